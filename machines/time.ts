/**
 * Milliseconds from now to a deadline, as the delay of a timer: never negative, never NaN. It may
 * be longer than a JavaScript timer can keep; the pool's clock (`src/pool/clock.ts`) keeps it.
 */
export function until(deadline: number, now: () => number): number {
  const remaining = deadline - now()
  return Number.isFinite(remaining) ? Math.max(0, remaining) : 0
}
