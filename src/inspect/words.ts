import type { PoolNews } from '../pool/events.ts'
import { REASONS, narrate, stateWord } from '../pool/narrate.ts'
import type { Happening } from './picture.ts'

type Kind = Happening['kind']

/** Why an account was left: what was said of it. */
export interface Cause {
  readonly label: string
  /** The end of a sentence about "it". */
  readonly why: string
  /** Epoch ms. */
  readonly backAt?: number | undefined
}

/** The line of the timeline for a piece of news; `cause`: why the account it left was left. */
export function happeningOf(news: PoolNews, at: number, cause: Cause | undefined): Happening {
  return {
    at,
    kind: kindOf(news),
    account: 'account' in news ? news.account : undefined,
    label: 'account' in news ? news.label : undefined,
    words: wordsOf(news, at, cause),
    conversation: 'conversation' in news ? news.conversation : undefined,
  }
}

/**
 * What is said of "it", said of an account by name: "its 5-hour window is used up" → "5-hour window
 * of acc1 is used up until 14:05".
 */
export function about({ label, why, backAt }: Cause, at: number): string {
  const [, thing, rest] = /^its (.+?) ((?:is|has|keeps|does|could) .*)$/.exec(why) ?? []
  const said =
    thing === undefined || rest === undefined ? named(why, label) : `${thing} of ${label} ${rest}`
  return backAt === undefined ? said : `${said} until ${clockOf(backAt, at)}`
}

function named(why: string, label: string): string {
  const said = why.replace(/\bit\b/, () => label)
  return said === why ? `${label}: ${why}` : said
}

/** A limit has an end; for everything else there is only a next try. */
export function causeOf(news: PoolNews & { type: 'account.changed' }): Cause {
  const { label, why, to, backAt } = news
  return to === 'rateLimited' ? { label, why, backAt } : { label, why }
}

function kindOf(news: PoolNews): Kind {
  switch (news.type) {
    case 'request.assigned':
      return news.after === undefined ? 'assigned' : 'moved'
    case 'request.refused':
      return 'refused'
    case 'request.waiting':
    case 'request.queued':
      return 'waiting'
    case 'account.changed':
      return 'changed'
    case 'token.renewed':
    case 'token.failed':
    case 'renewals.stopped':
      return 'token'
  }
}

function wordsOf(news: PoolNews, at: number, cause: Cause | undefined): string {
  switch (news.type) {
    case 'request.assigned': {
      const why = REASONS[news.reason]
      if (news.after !== undefined && cause !== undefined) return `moved: ${about(cause, at)}`
      if (news.after !== undefined) return `moved: ${news.after} did not serve`
      return news.reason === 'home' ? `kept: ${why}` : `chosen: ${why}`
    }
    case 'account.changed': {
      const { to: state, disabledReason, kind } = news
      const word = stateWord({ state, disabledReason: disabledReason ?? undefined, kind })
      return news.to === 'active' ? word : `${word}: ${news.why}${untilOf(news, at)}`
    }
    case 'request.refused': {
      const status = news.status === undefined ? '' : ` (${news.status})`
      return `did not serve${status}: ${news.why}`
    }
    case 'token.renewed':
      return 'token renewed'
    case 'token.failed':
      return `token not renewed: ${news.why}`
    case 'request.waiting':
    case 'request.queued':
    case 'renewals.stopped':
      return narrate(news, (time) => clockOf(time, at))
  }
}

/** A limit has an end; an account that fails is tried again. */
function untilOf({ to, backAt }: PoolNews & { type: 'account.changed' }, at: number): string {
  if (backAt === undefined) return ''
  if (to === 'rateLimited') return ` until ${clockOf(backAt, at)}`
  return to === 'authFailing' ? `, tried again at ${clockOf(backAt, at)}` : ''
}

/** "14:05", with the day when it is not the same one. Both are epoch ms. */
function clockOf(time: number, at: number): string {
  const date = new Date(time)
  const clock = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })
  if (date.toDateString() === new Date(at).toDateString()) return clock
  const day = date.toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' })
  return `${day}, ${clock}`
}
