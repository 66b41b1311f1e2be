/**
 * Colours and type of the charts. A page that holds a chart may set the `--chart-…` properties,
 * and marks the states that are active with `data-live`.
 */
export const STYLE = `
.rota-chart{--ink:var(--chart-ink,#1f2430);--quiet:var(--chart-quiet,#5a6273);--line:var(--chart-line,#7b8496);--paper:var(--chart-paper,#ffffff);--box:var(--chart-box,#f4f6fa);--group:var(--chart-group,#fbfcfe);--edge:var(--chart-edge,#aab2c2);--good:var(--chart-good,#2e8b57);--wait:var(--chart-wait,#b7791f);--bad:var(--chart-bad,#c4453c);--live:var(--chart-live,#0b66d0);--live-box:var(--chart-live-box,#dcebff);font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;font-size:11px;max-width:100%;height:auto}
@media (prefers-color-scheme:dark){.rota-chart{--ink:var(--chart-ink,#e7eaf1);--quiet:var(--chart-quiet,#a8b0c0);--line:var(--chart-line,#8790a3);--paper:var(--chart-paper,#14171d);--box:var(--chart-box,#252b36);--group:var(--chart-group,#1a1e26);--edge:var(--chart-edge,#4a5263);--good:var(--chart-good,#4fbf85);--wait:var(--chart-wait,#d9a441);--bad:var(--chart-bad,#e0716a);--live:var(--chart-live,#6bb0ff);--live-box:var(--chart-live-box,#173556)}}
.rota-chart-paper{fill:var(--paper)}
.rota-chart text{fill:var(--quiet)}
.rota-chart-state>rect{fill:var(--box);stroke:var(--edge);stroke-width:1.2}
.rota-chart-state[data-tags~=selectable]>rect{stroke:var(--good)}
.rota-chart-state:is([data-tags~=waiting],[data-tags~=probing])>rect{stroke:var(--wait)}
.rota-chart-state[data-tags~=broken]>rect{stroke:var(--bad)}
.rota-chart-group>rect{fill:var(--group)}
.rota-chart-region>rect{fill:var(--group);stroke-dasharray:6 4}
.rota-chart .rota-chart-over>text{stroke:var(--group);stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.rota-chart .rota-chart-name{fill:var(--ink);font:600 14px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}
.rota-chart-line{fill:none;stroke:var(--line);stroke-width:1.3}
.rota-chart-tip{fill:var(--line)}
.rota-chart-initial{fill:var(--ink)}
.rota-chart-any>rect{fill:var(--paper);stroke:var(--line);stroke-dasharray:3 3}
.rota-chart .rota-chart-any>text{fill:var(--ink)}
.rota-chart .rota-chart-any>.rota-chart-title{fill:var(--quiet);font-style:italic}
.rota-chart-label>rect{fill:var(--paper);opacity:.92}
.rota-chart .rota-chart-label>text{fill:var(--ink)}
.rota-chart-state[data-live]>rect{stroke:var(--live);stroke-width:1.6}
.rota-chart-leaf[data-live]>rect{fill:var(--live-box);stroke-width:2.6}
`
