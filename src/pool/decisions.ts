import type { PoolNews } from './events.ts'

/** One piece of news, and when it was. */
export interface Decision {
  /** Epoch ms. */
  readonly at: number
  readonly news: PoolNews
}

/** What happened last, for whoever asks why. */
export interface Decisions {
  note(news: PoolNews): void
  /** Oldest first. */
  recent(): readonly Decision[]
}

/** Enough for the last few prompts of several sessions. */
const MOST_KEPT = 60

export function createDecisions(now: () => number): Decisions {
  const kept: Decision[] = []
  return {
    note(news) {
      kept.push({ at: now(), news })
      if (kept.length > MOST_KEPT) kept.shift()
    },
    recent: () => [...kept],
  }
}
