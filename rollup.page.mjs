import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import resolve from '@rollup/plugin-node-resolve'
import { transform } from 'esbuild'
import esbuild from 'rollup-plugin-esbuild'

/** The drawings of the machines, by their names in the page: `npm run charts` makes them. */
const CHARTS = {
  account: 'docs/machines/account.svg',
  refresh: 'docs/machines/refresh.svg',
  'account-overview': 'src/page/charts/account.svg',
  'refresh-overview': 'src/page/charts/refresh.svg',
}
const STYLES = ['tokens', 'page', 'cards', 'detail', 'aside'].map(
  (name) => `src/page/style/${name}.css`,
)

/** The live page: one file that loads nothing else, and runs nothing that was not built into it. */
export const page = {
  input: 'src/page/main.tsx',
  plugins: [
    resolve({ browser: true, extensions: ['.mjs', '.js', '.ts', '.tsx'] }),
    esbuild({ target: 'es2022', minify: true, jsx: 'automatic', jsxImportSource: 'preact' }),
    intoOneFile(),
  ],
  output: { dir: 'dist', entryFileNames: 'page.js', format: 'iife' },
}

function intoOneFile() {
  return {
    name: 'into-one-file',
    async generateBundle(_options, bundle) {
      const [script] = Object.values(bundle)
      delete bundle[script.fileName]
      const charts = await Promise.all(Object.entries(CHARTS).map(readChart))
      const sheets = await Promise.all(STYLES.map((file) => readFile(file, 'utf8')))
      const own = await transform(sheets.join('\n'), { loader: 'css', minify: true })
      // What the page says of a chart wins over what the chart says of itself.
      const style = [...new Set(charts.map((chart) => chart.style)), own.code.trim()].join('')
      const source = html({ script: script.code.trim(), style, charts })
      this.emitFile({ type: 'asset', fileName: 'page.html', source })
    },
  }
}

/** The drawing and its style apart: a style inside of it would need a hash of its own. */
async function readChart([name, file]) {
  const text = await readFile(file, 'utf8')
  const styles = [...text.matchAll(/<style[^>]*>(.*?)<\/style>/gs)].map(([, style]) => style)
  const drawing = text
    .replace(/<\?xml.*?\?>/s, '')
    .replaceAll(/<style[^>]*>.*?<\/style>/gs, '')
    .replaceAll(/>\s+</g, '><')
    .trim()
  const unfit = /<script|<foreignObject|\s(on\w+|style|href|xlink:href)=/i.exec(drawing)
  if (unfit !== null) throw new Error(`${file}: the page cannot show "${unfit[0].trim()}"`)
  const { code } = await transform(styles.join('\n'), { loader: 'css', minify: true })
  return { name, drawing, style: code.trim() }
}

function html({ script, style, charts }) {
  if (/<\/(script|style)/i.test(script + style)) throw new Error('the page would end too early')
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
  const templates = charts.map(
    ({ name, drawing }) => `<template id="chart-${name}">${drawing}</template>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>opencode-rota</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
</head>
<body>
<div id="page"><noscript>This page needs JavaScript: it shows what changes while it changes.</noscript></div>
${templates.join('\n')}
<script>${script}</script>
</body>
</html>
`
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='none' stroke='%232a7f5b' stroke-width='2.5' stroke-linecap='round' d='M13.5 8A5.5 5.5 0 1 1 8 2.5'/%3E%3Ccircle cx='12.3' cy='4.3' r='1.8' fill='%232a7f5b'/%3E%3C/svg%3E"

function hash(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
