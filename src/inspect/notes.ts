import { type PoolNews, isStart } from '../pool/events.ts'
import type { AccountPicture, Happening } from './picture.ts'
import { type Cause, causeOf, happeningOf } from './words.ts'

/** What was seen of a pool since it is looked at, for pictures of it. */
export interface Notes {
  note(news: PoolNews): void
  /** Newest first. */
  timeline(): readonly Happening[]
  of(account: string): Pick<AccountPicture, 'since' | 'lastError'>
}

/** Words take their time, so they wait until somebody reads them. */
interface Entry {
  readonly at: number
  readonly news: PoolNews
  readonly cause: Cause | undefined
  told?: Happening
}

const MOST_HAPPENINGS = 200
const UNSEEN = { since: 0, lastError: undefined }

export function createNotes(now: () => number): Notes {
  const entries: Entry[] = []
  const seen = new Map<string, Pick<AccountPicture, 'since' | 'lastError'>>()
  /** Why each account does not serve just now, by its label. */
  const causes = new Map<string, Cause>()

  const of = (account: string) => seen.get(account) ?? UNSEEN

  function learn(news: PoolNews, at: number): void {
    switch (news.type) {
      case 'account.changed':
        if (news.from !== undefined) seen.set(news.account, { ...of(news.account), since: at })
        if (news.to === 'active') causes.delete(news.label)
        else causes.set(news.label, causeOf(news))
        return
      case 'request.refused': {
        const status = news.status === undefined ? '' : ` (${news.status})`
        seen.set(news.account, {
          ...of(news.account),
          lastError: { at, words: `${news.why}${status}` },
        })
        // Its state says more, and until when.
        if (!causes.has(news.label)) causes.set(news.label, news)
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
      entries.push({ at, news, cause })
      if (entries.length > MOST_HAPPENINGS) entries.shift()
    },
    timeline: () => entries.toReversed().map(tell),
    of,
  }
}

function tell(entry: Entry): Happening {
  const { news, at, cause } = entry
  return (entry.told ??= happeningOf(news, at, cause))
}
