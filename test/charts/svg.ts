import type { Arrow, Chart } from './chart.ts'
import { type Box, type Layout, type Mark, type Point, type Wire } from './layout.ts'
import { ANY_TITLE, LINE_PX, PADDING_PX, TITLE_PX } from './sizes.ts'
import { STYLE } from './style.ts'
import { type Line, sentence } from './words.ts'

/**
 * The chart as a picture that stands alone and can be put into a page. States carry `data-id`,
 * arrows `data-from`, `data-to` and `data-event` (XState's names of the events, space between).
 */
export function svgOf(chart: Chart, layout: Layout, description: string): string {
  const { name } = chart
  const { width, height } = layout
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="rota-chart" role="img" ` +
      `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `aria-labelledby="rota-chart-${name}-title rota-chart-${name}-desc">`,
    `<title id="rota-chart-${name}-title">${escaped(`The statechart of ${name}`)}</title>`,
    `<desc id="rota-chart-${name}-desc">${escaped(description)}</desc>`,
    `<style>${STYLE}</style>`,
    `<defs><marker id="rota-chart-${name}-tip" viewBox="0 0 8 8" refX="7" refY="4" ` +
      `markerWidth="8" markerHeight="8" orient="auto-start-reverse">` +
      `<path class="rota-chart-tip" d="M0 0.5 8 4 0 7.5z"/></marker></defs>`,
    `<rect class="rota-chart-paper" width="${width}" height="${height}"/>`,
    ...layout.boxes.map(boxOf),
    ...layout.wires.map((wire) => lineOf(wire, name)),
    ...layout.boxes.map(headOf),
    ...layout.marks.map(markOf),
    ...layout.wires.flatMap(labelOf),
    '</svg>',
    '',
  ].join('\n')
}

const CORNER_PX = 6

function boxOf({ state, isRegion, x, y, width, height }: Box): string {
  const kind = isRegion ? 'region' : state.states.length > 0 ? 'group' : 'leaf'
  const tags = state.tags.length > 0 ? ` data-tags="${escaped(state.tags.join(' '))}"` : ''
  const final =
    state.type === 'final'
      ? `<rect x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="5"/>`
      : ''
  return (
    `<g class="rota-chart-state rota-chart-${kind}" data-id="${escaped(state.id)}"${tags}>` +
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>${final}</g>`
  )
}

/** The words of a box, over the lines that cross it on their way to a state inside. */
function headOf({ state, lines, x, y }: Box): string {
  const over = state.states.length > 0 ? ' rota-chart-over' : ''
  return (
    `<g class="rota-chart-head${over}" data-of="${escaped(state.id)}">` +
    `<text class="rota-chart-name" x="${x + PADDING_PX}" y="${y + 20}">${escaped(state.name)}</text>` +
    `${lines.map((line, index) => textOf(line, x + PADDING_PX, y + TITLE_PX, index)).join('')}</g>`
  )
}

function markOf({ arrow, lines, x, y, width, height }: Mark): string {
  if (arrow === undefined) {
    const radius = width / 2
    return `<circle class="rota-chart-initial" cx="${x + radius}" cy="${y + radius}" r="${radius}"/>`
  }
  return (
    `<g class="rota-chart-any" ${attributesOf(arrow)}>${tooltipOf(arrow)}` +
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>` +
    `<text class="rota-chart-title" x="${x + PADDING_PX / 2}" y="${y + 14}">${ANY_TITLE}</text>` +
    `${wordsOf(lines, x, y + LINE_PX)}</g>`
  )
}

function lineOf({ arrow, to, points }: Wire, name: string): string {
  const path = `<path class="rota-chart-line" d="${pathOf(points)}" marker-end="url(#rota-chart-${name}-tip)"/>`
  if (arrow === undefined) return `<g class="rota-chart-start" data-to="${escaped(to)}">${path}</g>`
  return `<g class="rota-chart-edge" ${attributesOf(arrow)}>${path}</g>`
}

/** After all lines, so that none crosses a word. */
function labelOf({ arrow, label }: Wire): string[] {
  if (arrow === undefined || label === undefined) return []
  const { x, y, width, height, lines } = label
  return [
    `<g class="rota-chart-label" ${attributesOf(arrow)}>${tooltipOf(arrow)}` +
      `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>` +
      `${wordsOf(lines, x, y)}</g>`,
  ]
}

function tooltipOf({ triggers }: Arrow): string {
  return `<title>${escaped(triggers.map(sentence).join('\n'))}</title>`
}

function wordsOf(lines: readonly Line[], x: number, y: number): string {
  return lines
    .map(({ text, trigger }, index) =>
      textOf(text, x + PADDING_PX / 2, y, index, ` data-event="${escaped(trigger.event)}"`),
    )
    .join('')
}

function attributesOf({ from, to, triggers }: Arrow): string {
  const events = [...new Set(triggers.map(({ event }) => event))].join(' ')
  return `data-from="${escaped(from)}" data-to="${escaped(to)}" data-event="${escaped(events)}"`
}

function textOf(text: string, x: number, top: number, index: number, attributes = ''): string {
  const y = top + index * LINE_PX + 13
  const indent = text.length - text.trimStart().length
  return `<text x="${x + indent * 5}" y="${y}"${attributes}>${escaped(text.trim())}</text>`
}

/** Straight lines with round corners. */
function pathOf(points: readonly Point[]): string {
  return points
    .map((point, index) => {
      const [before, after] = [points[index - 1], points[index + 1]]
      if (before === undefined) return `M${point.x} ${point.y}`
      if (after === undefined) return `L${point.x} ${point.y}`
      const [start, end] = [towards(point, before), towards(point, after)]
      return `L${start.x} ${start.y}Q${point.x} ${point.y} ${end.x} ${end.y}`
    })
    .join('')
}

/** The point where the corner begins; lines are horizontal or vertical. */
function towards(corner: Point, other: Point): Point {
  const [dx, dy] = [other.x - corner.x, other.y - corner.y]
  const distance = Math.abs(dx) + Math.abs(dy)
  const share = distance === 0 ? 0 : Math.min(CORNER_PX, distance / 2) / distance
  return {
    x: Math.round((corner.x + dx * share) * 4) / 4,
    y: Math.round((corner.y + dy * share) * 4) / 4,
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => `&#${char.codePointAt(0)};`)
}
