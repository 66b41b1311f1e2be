import type { AccountStatus } from '../pool/status.ts'

/**
 * All that the live page shows, sent whole: as `event: picture` of the page's event stream when
 * it connects and, at most ten times a second, after something changed. Holds no secret.
 */
export interface Picture {
  /** Epoch ms by this process's clock: the page counts down by the difference to its own. */
  readonly now: number
  /** The process that serves the page. */
  readonly pid: number
  readonly pools: readonly PoolPicture[]
}

/** One pool of this process. */
export interface PoolPicture {
  /** "anthropic". */
  readonly provider: string
  /** "Claude". */
  readonly name: string
  /** Why the accounts file cannot be read; empty while it can. */
  readonly problem: string
  /** In the order of the accounts file. */
  readonly accounts: readonly AccountPicture[]
  /** Newest first. */
  readonly timeline: readonly Happening[]
  /** Those that use accounts of this pool now, this one first. */
  readonly processes: readonly ProcessPicture[]
}

export interface AccountPicture extends AccountStatus {
  /** Epoch ms at which it came into its state, as far as this process saw it; 0 = not seen. */
  readonly since: number
  /** The last refusal or fault in words, and its time; undefined when there was none. */
  readonly lastError: { readonly at: number; readonly words: string } | undefined
  /**
   * The states that its machines are in, as the charts' `data-id` names them:
   * `account.availability.rateLimited`, `account.token.idle`.
   */
  readonly states: readonly string[]
}

/** One line of the timeline. */
export interface Happening {
  /** Epoch ms. */
  readonly at: number
  readonly kind: 'assigned' | 'moved' | 'refused' | 'waiting' | 'changed' | 'token'
  /** The account it is about; undefined when it is about none. */
  readonly account: string | undefined
  /** What that account was called then. */
  readonly label: string | undefined
  /** What is said of it, without its name: "moved: 5-hour window of acc1 is used up until 14:05". */
  readonly words: string
  readonly conversation: string | undefined
}

export interface ProcessPicture {
  readonly pid: number
  readonly isThis: boolean
  /** Its accounts by id, with the requests that each has in flight there. */
  readonly accounts: readonly { readonly account: string; readonly inFlight: number }[]
}
