/** A reset is passed by this much, so that clocks that disagree do not send us too early. */
const LEAST_SPREAD_MS = 1_000
const MOST_SPREAD_MS = 30_000

/** When an account is asked again whose limit ends at `until`: 1–30 s later, less for a short one. */
export function spreadEnd(until: number, from: number, random: () => number): number {
  const tenth = Math.max(0, until - from) / 10
  const room = Math.min(MOST_SPREAD_MS - LEAST_SPREAD_MS, tenth)
  return Math.round(until + LEAST_SPREAD_MS + random() * room)
}
