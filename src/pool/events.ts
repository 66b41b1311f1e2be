import type { AccountState } from '../../machines/account.ts'
import type { DisabledReason } from '../../machines/facts.ts'
import type { SelectionReason } from './select/selection.ts'
import type { AccountKind } from './status.ts'

/** What happens in a pool, for logs, screens and programs. Never holds a secret. */
export type PoolNews =
  /** An account was chosen for a request. */
  | {
      readonly type: 'request.assigned'
      readonly account: string
      readonly label: string
      readonly reason: SelectionReason
      readonly conversation: string | undefined
      /** Another conversation started the one that this request is of. */
      readonly isSubagent: boolean
      /** The account whose refusal led here; undefined for a request's first choice. */
      readonly after: string | undefined
    }
  /** The provider refused, or was not reached; the request goes on. */
  | {
      readonly type: 'request.refused'
      readonly account: string
      readonly label: string
      readonly status: number | undefined
      readonly why: string
      readonly conversation: string | undefined
      readonly isSubagent: boolean
    }
  /** All that could serve are limited: the request waits. */
  | {
      readonly type: 'request.waiting'
      readonly label: string
      readonly until: number
      readonly conversation: string | undefined
      readonly isSubagent: boolean
    }
  /** All that could serve have as many requests in flight as they may: the request stands in line. */
  | { readonly type: 'request.queued'; readonly conversation: string | undefined }
  | {
      readonly type: 'account.changed'
      readonly account: string
      readonly label: string
      readonly from: AccountState | undefined
      readonly to: AccountState
      readonly why: string
      /** Epoch ms; undefined when it is back, or only a repair brings it back. */
      readonly backAt: number | undefined
      readonly disabledReason: DisabledReason | null
      readonly kind: AccountKind
    }
  | { readonly type: 'token.renewed'; readonly account: string; readonly label: string }
  | {
      readonly type: 'token.failed'
      readonly account: string
      readonly label: string
      readonly why: string
    }
  /** Several logins were refused for good within a minute: nothing is renewed in the background. */
  | { readonly type: 'renewals.stopped' }

/** An account that is simply there when the pool opens is no news to anybody. */
export function isStart(news: PoolNews): boolean {
  return news.type === 'account.changed' && news.from === undefined && news.to === 'active'
}
