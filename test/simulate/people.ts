export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
export const WEEK = 7 * DAY

/** What one person does with one session of the host. */
export interface Conversation {
  readonly name: string
  readonly begins: number
  /** Requests, the first one included. */
  readonly length: number
  /** The mean pause between two of them, ms. */
  readonly gap: number
}

/** Conversations that use about one account's weekly quota, so that `load` says how many. */
const CONVERSATIONS_PER_WEEK = 45
const SHORTEST = 10
const LONGEST = 70
const SHORTEST_GAP = MINUTE / 2
const LONGEST_GAP = 4 * MINUTE

/** Weeks of work: by day, rarely at week-ends, with quiet days and busy ones. */
export function conversationsOf(
  random: () => number,
  { weeks, load }: { readonly weeks: number; readonly load: number },
): Conversation[] {
  const days = Array.from({ length: 7 * weeks }, (_, day) => {
    const isWeekend = day % 7 >= 5
    return { day, weight: (isWeekend ? 0.2 : 1) * (0.2 + 1.6 * random()) }
  })
  const all = days.reduce((sum, { weight }) => sum + weight, 0)
  return days.flatMap(({ day, weight }) => {
    const count = Math.round((weight / all) * weeks * load * CONVERSATIONS_PER_WEEK)
    return Array.from({ length: count }, (_, index) => ({
      name: `${day}-${index}`,
      // Between 9 and 19 o'clock.
      begins: day * DAY + 9 * HOUR + random() * 10 * HOUR,
      length: SHORTEST + Math.floor(random() * (LONGEST - SHORTEST)),
      gap: SHORTEST_GAP + random() * (LONGEST_GAP - SHORTEST_GAP),
    }))
  })
}

/** Mulberry32: the same numbers in [0, 1) for the same seed, everywhere. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
