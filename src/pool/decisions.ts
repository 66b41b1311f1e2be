import { type PoolNews, isStart } from './events.ts'

/** One piece of news, and when it was. */
export interface Decision {
  /** Epoch ms. */
  readonly at: number
  readonly news: PoolNews
}

/** What happened last in this process, oldest first. */
export interface Recent {
  /** Where requests went, who refused them, and what they waited for. */
  readonly requests: readonly Decision[]
  /** What became of the accounts and of their tokens. */
  readonly changes: readonly Decision[]
}

/** Remembers what happened, for whoever asks why. Holds no secret: news never does. */
export interface Decisions {
  note(news: PoolNews): void
  recent(): Recent
}

/** The last 50 requests, also when each was refused once and moved. */
const REQUESTS_KEPT = 150
/** Apart: however many requests came since, it can be told why an account is limited. */
const CHANGES_KEPT = 50

export function createDecisions(now: () => number): Decisions {
  const requests: Decision[] = []
  const changes: Decision[] = []

  function keep(list: Decision[], news: PoolNews, most: number): void {
    list.push({ at: now(), news })
    if (list.length > most) list.shift()
  }

  return {
    note(news) {
      if (news.type.startsWith('request.')) keep(requests, news, REQUESTS_KEPT)
      else if (!isStart(news)) keep(changes, news, CHANGES_KEPT)
    },
    recent: () => ({ requests: [...requests], changes: [...changes] }),
  }
}
