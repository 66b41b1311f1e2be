import type { Runtime } from '../runtime/runtimes.ts'

/** One line of the table. */
export interface Row {
  /** As in the project's targets: R1, R3 … */
  readonly id: string
  readonly runtime: Runtime | 'both'
  readonly done: string
  readonly measured: string
  readonly target: string
  /** The same run with a plain lock + re-read + adopt; empty where there is none. */
  readonly baseline: string
  readonly isMet: boolean
}

export function printRows(rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.id,
    row.runtime,
    row.done,
    row.measured,
    row.target,
    row.baseline,
    row.isMet ? 'met' : 'MISSED',
  ])
  const all = [['', 'runtime', 'done', 'measured', 'target', 'baseline', ''], ...cells]
  const widths = all[0]?.map((_, column) =>
    Math.max(...all.map((line) => line[column]?.length ?? 0)),
  )
  for (const line of all) {
    const padded = line.map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
    process.stdout.write(`${padded.join('  ').trimEnd()}\n`)
  }
}
