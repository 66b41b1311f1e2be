import type { Usage } from '../../provider/provider.ts'
import { SESSION, WEEKLY } from '../../provider/windows.ts'

const HOUR_MS = 3_600_000
/** A week's quota is scarce; a session's comes back within the day. */
const WINDOWS = [
  { window: WEEKLY, lengthMs: 168 * HOUR_MS, weight: 0.75 },
  { window: SESSION, lengthMs: 5 * HOUR_MS, weight: 0.25 },
] as const

/** Where nothing is known: as if what is left would last exactly until the reset. */
const NEUTRAL_SCORE = 50

/** A prompt prefix is kept by the provider for minutes; after this time nothing of it is left. */
const PREFIX_LIVES_MS = HOUR_MS
/** Points that it takes to leave a prefix that was read just now … */
const WARM_MARGIN = 20
/** … and one that is gone: still some, or two equal accounts would take turns. */
const COLD_MARGIN = 5

/**
 * How urgent it is to use an account before its resets waste what is left: 0 (nothing is left) to
 * 100 (all is left, at the last moment); 50 is on pace. `docs/decisions/009-drain.md` has the reasons.
 */
export function drainScore(usage: readonly Usage[], now: number): number {
  return WINDOWS.reduce(
    (score, { window, lengthMs, weight }) =>
      score + weight * windowScore(usage, { window, lengthMs, now }),
    0,
  )
}

/** By how many points another account must be better before a conversation leaves this one. */
export function leavingMargin(servedAt: number, now: number): number {
  const age = Math.max(0, now - servedAt)
  const warmth = Math.max(0, 1 - age / PREFIX_LIVES_MS)
  return COLD_MARGIN + (WARM_MARGIN - COLD_MARGIN) * warmth
}

/** Unused percent against percent of time: 100 · unused / (unused + time left). */
function windowScore(
  usage: readonly Usage[],
  { window, lengthMs, now }: { window: string; lengthMs: number; now: number },
): number {
  const known = usage.find((each) => each.window === window)
  // Past its reset a window is empty and begins with its next use: nothing is wasted meanwhile.
  const isOver = known?.resetsAt != null && known.resetsAt <= now
  if (known === undefined || isOver) return NEUTRAL_SCORE
  const unused = Math.min(100, Math.max(0, 100 - known.usedPercent))
  const timeLeft = 100 * Math.min(1, ((known.resetsAt ?? Infinity) - now) / lengthMs)
  return (100 * unused) / (unused + timeLeft)
}
