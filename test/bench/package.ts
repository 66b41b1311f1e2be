import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { percentile, type Row } from './table.ts'

const ENTRY = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const STARTS = 9

/** How long the host waits for our module, and how large it is. */
export function measurePackage(): Row[] {
  const took = Array.from({ length: STARTS }, () => importMs(ENTRY))
  return [
    {
      what: 'importing the plugin',
      measured: percentile(took, 0.5),
      unit: 'ms',
      target: 60,
      bare: undefined,
    },
    {
      // The menu and its prompts are 45 kB of it.
      what: 'dist/index.js',
      measured: statSync(ENTRY).size / 1_000,
      unit: 'kB',
      target: 360,
      bare: undefined,
    },
  ]
}

function importMs(entry: string): number {
  const program = `const start = performance.now(); await import(${JSON.stringify(entry)}); console.log(performance.now() - start); process.exit()`
  const flags = ['--input-type=module', '-e', program]
  return Number(execFileSync(process.execPath, flags, { encoding: 'utf8' }))
}
