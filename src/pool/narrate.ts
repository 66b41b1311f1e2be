import { needsNewLogin } from '../../machines/facts.ts'
import type { PoolNews } from './events.ts'
import type { SelectionReason } from './select/selection.ts'
import type { AccountStatus } from './status.ts'

/** Why an account was chosen. */
export const REASONS: Readonly<Record<SelectionReason, string>> = {
  home: 'home of this conversation',
  'stand-in': 'stands in while the home of this conversation is away',
  parent: 'home of the conversation that started this one',
  active: 'the account in use',
  'least-busy': 'the least busy, other OpenCode processes counted',
  'first-free': 'first in the list that is free',
  'next-in-turn': 'next in turn',
  'below-quota': 'has more left of its quota; the first choice takes no new conversations',
  'before-key': 'a login goes before an API key, whose requests cost something',
  'less-claimed': 'next in turn among those that other OpenCode processes use least',
  'best-score': 'best score',
  'most-wasted': 'most of its quota would be wasted at its reset',
  'home-full': 'the home of this conversation has as many requests as it may',
  'parent-full':
    'the least busy; the account of the conversation that started this one has as many requests as it may',
  probe: 'just came back; this request tries it',
  'last-resort': 'nobody else is left',
}

/** A state in a word or two, for people. */
export function stateWord({
  state,
  disabledReason,
  kind,
}: Pick<AccountStatus, 'state' | 'disabledReason' | 'kind'>): string {
  switch (state) {
    case 'active':
      return 'ready'
    case 'rateLimited':
      return 'limited'
    case 'cooling':
      return 'back soon'
    case 'authFailing':
      return 'failing'
    case 'disabled':
      if (disabledReason === 'user') return 'off'
      if (!needsNewLogin(disabledReason)) return 'refused'
      return kind === 'apiKey' ? 'new key needed' : 'login needed'
  }
}

/** One piece of news as one sentence for a person. `clock` formats a time of day. */
export function narrate(news: PoolNews, clock: (at: number) => string): string {
  switch (news.type) {
    case 'request.assigned': {
      const why = REASONS[news.reason]
      return news.after === undefined
        ? `${news.label} gets the request: ${why}`
        : `moved from ${news.after} to ${news.label}: ${why}`
    }
    case 'request.refused': {
      const status = news.status === undefined ? '' : ` (${news.status})`
      return `${news.label} did not serve${status}: ${news.why}`
    }
    case 'request.waiting':
      return `all are limited: waiting for ${news.label} until ${clock(news.until)}`
    case 'request.queued':
      return 'all accounts that could serve have as many requests as they may: the request waits for its turn'
    case 'account.changed': {
      const from = news.from === undefined ? '' : `${news.from} → `
      const back =
        news.backAt === undefined || news.to === 'cooling' ? '' : `, back at ${clock(news.backAt)}`
      return `${news.label}: ${from}${news.to} (${news.why}${back})`
    }
    case 'token.renewed':
      return `${news.label}: token renewed`
    case 'token.failed':
      return `${news.label}: token not renewed: ${news.why}`
    case 'renewals.stopped':
      return 'several logins were refused for good within a minute: tokens are renewed only when a request needs one, until a login works again'
  }
}
