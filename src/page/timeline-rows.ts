import type { Happening } from '../inspect/picture.ts'

/** The same sentence in a row, as one. */
export interface TimelineRow {
  readonly kind: Happening['kind']
  readonly words: string
  /** Epoch ms of the newest. */
  readonly at: number
  /** Epoch ms of the oldest. */
  readonly first: number
  readonly times: number
}

/** Newest first. `account`: only what is about it. */
export function rowsOf(timeline: readonly Happening[], account?: string): readonly TimelineRow[] {
  const rows: TimelineRow[] = []
  for (const happening of timeline) {
    if (account !== undefined && happening.account !== account) continue
    const { kind, words, at } = happening
    const newer = rows.at(-1)
    if (newer?.words === words && newer.kind === kind) {
      rows[rows.length - 1] = { ...newer, first: at, times: newer.times + 1 }
    } else rows.push({ kind, words, at, first: at, times: 1 })
  }
  return rows
}
