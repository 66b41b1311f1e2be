import { type PoolNews, isStart } from '../pool/events.ts'
import type { AccountPicture, Happening } from './picture.ts'
import { about, happeningOf } from './words.ts'

/** What was seen of a pool since it is looked at, for pictures of it. */
export interface Notes {
  note(news: PoolNews): void
  /** Newest first. */
  timeline(): readonly Happening[]
  of(account: string): Pick<AccountPicture, 'since' | 'lastError'>
}

const MOST_HAPPENINGS = 200
const UNSEEN = { since: 0, lastError: undefined }

/** Costs a few words per piece of news, also while nobody looks. */
export function createNotes(now: () => number): Notes {
  const happenings: Happening[] = []
  const seen = new Map<string, Pick<AccountPicture, 'since' | 'lastError'>>()
  /** Why each account does not serve just now, by its label. */
  const causes = new Map<string, string>()

  const of = (account: string) => seen.get(account) ?? UNSEEN

  function learn(news: PoolNews, at: number): void {
    switch (news.type) {
      case 'account.changed':
        if (news.from !== undefined) seen.set(news.account, { ...of(news.account), since: at })
        if (news.to === 'active') causes.delete(news.label)
        else causes.set(news.label, about(news, at))
        return
      case 'request.refused': {
        const status = news.status === undefined ? '' : ` (${news.status})`
        seen.set(news.account, {
          ...of(news.account),
          lastError: { at, words: `${news.why}${status}` },
        })
        // Its state says more, and until when.
        if (!causes.has(news.label)) causes.set(news.label, about(news, at))
        return
      }
      case 'token.failed':
        seen.set(news.account, { ...of(news.account), lastError: { at, words: news.why } })
        return
      case 'request.assigned':
        // It serves: what was in its way is over.
        causes.delete(news.label)
        return
      case 'request.waiting':
      case 'request.queued':
      case 'token.renewed':
      case 'renewals.stopped':
    }
  }

  return {
    note(news) {
      const at = now()
      const left = 'after' in news ? news.after : undefined
      const cause = left === undefined ? undefined : causes.get(left)
      learn(news, at)
      if (isStart(news)) return
      happenings.push(happeningOf(news, at, cause))
      if (happenings.length > MOST_HAPPENINGS) happenings.shift()
    },
    timeline: () => happenings.toReversed(),
    of,
  }
}
