import type { Usage } from '../../provider/provider.ts'
import type { AccountView } from '../../../machines/view.ts'
import type { Strategy } from '../../config/schema.ts'

/** What changes with every request; kept in plain maps, never in a machine. */
export interface HotState {
  readonly inFlight: number
  /** Epoch ms; 0 = never in this process. */
  readonly lastUsedAt: number
  /** A probe of a returned account is on its way. */
  readonly probing: boolean
  /** What other processes put on it: their requests, and one for each that only holds it. */
  readonly foreignLoad: number
  readonly usage: readonly Usage[]
  /** Epoch ms at which the provider said so, here or to another process; 0 = never. */
  readonly usageAt: number
}

export interface SelectionInput {
  /** In the order of the accounts file. */
  readonly views: readonly AccountView[]
  readonly hot: (id: string) => HotState
  readonly strategy: Strategy
  /** New conversations avoid accounts of which more is used, in percent; 100 = none is avoided. */
  readonly softQuotaPercent: number
  /** The model family of the request. */
  readonly family: string | undefined
  /** The account this conversation belongs to. */
  readonly home: string | undefined
  /** The account that serves this conversation while its home cannot. */
  readonly standIn: string | undefined
  /** The home of the conversation that started this one (a subagent's parent). */
  readonly parentHome: string | undefined
  /** The account that served last, whatever the conversation. */
  readonly active: string | undefined
  /** Epoch ms at which the home served this conversation last; 0 = never in this process. */
  readonly homeServedAt: number
  /** Requests that one account may have in flight in this process; 0 = any number. */
  readonly maxInFlight: number
  /** Accounts this request has already tried. */
  readonly tried: ReadonlySet<string>
  readonly now: number
}

export type SelectionReason =
  | 'home'
  | 'stand-in'
  | 'parent'
  | 'active'
  | 'least-busy'
  /** Nobody is busy: the first in the list. */
  | 'first-free'
  | 'next-in-turn'
  /** The one that the strategy prefers has little left, and is kept for the conversations it has. */
  | 'below-quota'
  /** The one that the strategy prefers is an API key, whose requests cost something. */
  | 'before-key'
  /** Next in turn among those that other processes use least; a nearer one is used more. */
  | 'less-claimed'
  | 'best-score'
  /** `drain`: the most of its quota would be wasted at a reset. */
  | 'most-wasted'
  /** The home of this conversation has as many requests in flight as it may; this one has room. */
  | 'home-full'
  /** The same of the account of the conversation that started this one. */
  | 'parent-full'
  /** It just came back: this request finds out whether it serves. */
  | 'probe'
  /** Its token is failing, and nobody else is left. */
  | 'last-resort'

export type Selection =
  | {
      readonly ok: true
      readonly id: string
      readonly reason: SelectionReason
      /** The account becomes the home of the conversation. */
      readonly settles: boolean
    }
  | { readonly ok: false; readonly blocked: Blocked }

/** Why nobody can serve, and who is back first. */
export interface Blocked {
  /**
   * `empty`: there is no account. `disabled`: all are. `limited`: the rest waits.
   * `tried`: this request has tried all that could serve. `busy`: those that could serve have as
   * many requests in flight as they may.
   */
  readonly why: 'empty' | 'disabled' | 'limited' | 'tried' | 'busy'
  /** Who is back first among those that wait for a time. */
  readonly firstBack: { readonly id: string; readonly at: number } | undefined
}

/** What a strategy decides. */
export interface Chosen {
  readonly id: string
  readonly reason: SelectionReason
}
