/** One line of the printed table: what was measured, what it must stay below, whether it does. */
export interface Row {
  readonly what: string
  readonly measured: number
  readonly unit: string
  readonly target: number
  /** The same without us, in the same run; undefined where there is nothing to compare. */
  readonly bare: number | undefined
}

export function printTable(rows: readonly Row[]): boolean {
  const cells = rows.map((row) => [
    row.what,
    number(row.measured, row.unit),
    row.bare === undefined ? '' : number(row.bare, row.unit),
    `≤ ${number(row.target, row.unit)}`,
    isMet(row) ? 'met' : 'MISSED',
  ])
  const all = [['', 'measured', 'bare', 'target', ''], ...cells]
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...all.map((line) => (line[column] ?? '').length)),
  )
  for (const line of all) {
    const padded = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
    process.stdout.write(`${padded.join('  ').trimEnd()}\n`)
  }
  return rows.every(isMet)
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

function isMet({ measured, target }: Row): boolean {
  return measured <= target
}

function number(value: number, unit: string): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 3
  return `${value.toFixed(digits)} ${unit}`.trim()
}
