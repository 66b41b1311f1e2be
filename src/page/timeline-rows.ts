import type { Happening } from '../inspect/picture.ts'

/** The same sentence in a row, as one. */
export interface TimelineRow {
  readonly kind: Happening['kind']
  readonly account: string | undefined
  readonly label: string | undefined
  readonly words: string
  /** Epoch ms of the newest. */
  readonly at: number
  /** Epoch ms of the oldest. */
  readonly first: number
  readonly times: number
}

/** Newest first. `only`: what is about that account. */
export function rowsOf(timeline: readonly Happening[], only?: string): readonly TimelineRow[] {
  const rows: TimelineRow[] = []
  for (const happening of timeline) {
    if (only !== undefined && happening.account !== only) continue
    const { kind, words, at, account, label } = happening
    const newer = rows.at(-1)
    if (newer?.words === words && newer.kind === kind && newer.account === account) {
      rows[rows.length - 1] = { ...newer, first: at, times: newer.times + 1 }
    } else rows.push({ kind, account, label, words, at, first: at, times: 1 })
  }
  return rows
}
