import type { PoolNews } from '../pool/events.ts'
import { timeOf } from '../pool/time-of.ts'

/** What the person sees in passing; `kind` bounds how often. */
export interface Toast {
  readonly kind: 'switch' | 'limited' | 'waiting' | 'disabled'
  readonly variant: 'info' | 'warning' | 'error'
  readonly message: string
}

/** At most one of a kind within this time: many subagents and sessions share the screen. */
const QUIET_FOR_MS = 30_000

/**
 * Turns the pool's news into toasts: a move, a limit, a wait, an account that fell out. Subagents
 * are not spoken of, and what the person did is no news to them.
 */
export function createToasts(
  show: (toast: Toast) => void,
  now: () => number,
): (news: PoolNews) => void {
  const shownAt = new Map<Toast['kind'], number>()
  /** Why each account is limited, by its id, until a request of the person's own met that limit. */
  const limits = new Map<string, string>()
  /** What is to be said when the request has found another account, by the label it left. */
  const left = new Map<string, Omit<Toast, 'variant'>>()

  function say(toast: Toast): void {
    const last = shownAt.get(toast.kind)
    if (last !== undefined && now() - last < QUIET_FOR_MS) return
    shownAt.set(toast.kind, now())
    show(toast)
  }

  function changed(news: PoolNews & { type: 'account.changed' }): void {
    const { account, label, to, why, backAt, disabledReason } = news
    limits.delete(account)
    if (to === 'rateLimited') {
      const until = backAt === undefined ? '' : `; back ${timeOf(backAt, now())}`
      limits.set(account, `${label}: ${why}${until}.`)
    }
    if (to !== 'disabled' || disabledReason === 'user') return
    say({ kind: 'disabled', variant: 'error', message: `${label}: ${why}.` })
  }

  function refused({ account, label, why }: PoolNews & { type: 'request.refused' }): void {
    const limit = limits.get(account)
    left.set(
      label,
      limit === undefined
        ? { kind: 'switch', message: `${label}: ${why}.` }
        : { kind: 'limited', message: limit },
    )
  }

  return (news) => {
    if (news.type === 'account.changed') return changed(news)
    if (!('isSubagent' in news) || news.isSubagent) return
    if (news.type === 'request.refused') return refused(news)
    if (news.type === 'request.waiting') {
      const message = `All accounts are limited: waiting for ${news.label}, back ${timeOf(news.until, now())}.`
      return say({ kind: 'waiting', variant: 'warning', message })
    }
    const why = news.after === undefined ? undefined : left.get(news.after)
    if (news.after === undefined || why === undefined) return
    left.delete(news.after)
    const message = `${why.message} Going on with ${news.label}.`
    say({ kind: why.kind, variant: why.kind === 'limited' ? 'warning' : 'info', message })
  }
}
