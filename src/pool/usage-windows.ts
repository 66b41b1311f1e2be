import type { Usage } from '../provider/provider.ts'

/** The provider computes a reset anew for each read: a smaller move is no new window. */
const ROLLED_OVER_MS = 60_000

/**
 * What is known after a newer read. A window that it does not name (the headers tell only those
 * that the request counted against) stays until its reset.
 */
export function withNewerUsage(
  known: readonly Usage[],
  read: readonly Usage[],
  now: number,
): readonly Usage[] {
  const before = new Map(known.map((usage) => [usage.window, usage]))
  const isRead = new Set(read.map(({ window }) => window))
  const kept = known.filter(
    ({ window, resetsAt }) => !isRead.has(window) && resetsAt !== null && resetsAt > now,
  )
  return [...read.map((usage) => withSteadyReset(usage, before.get(usage.window), now)), ...kept]
}

/** Whether another window began between two reads of it. */
export function hasRolledOver(before: Usage, after: Usage): boolean {
  if (before.resetsAt === null || after.resetsAt === null) return false
  return Math.abs(after.resetsAt - before.resetsAt) > ROLLED_OVER_MS
}

function withSteadyReset(read: Usage, before: Usage | undefined, now: number): Usage {
  if (before === undefined || before.resetsAt === null || before.resetsAt <= now) return read
  // An empty window has not begun, so that it has no reset; any other has just not told it.
  if (read.resetsAt === null && read.usedPercent === 0) return read
  return hasRolledOver(before, read) ? read : { ...read, resetsAt: before.resetsAt }
}
