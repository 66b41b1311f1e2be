import type { Secret } from '../secret.ts'
import type { RenewedTokens } from '../tokens.ts'

/** What spending a refresh token brought. */
export type SpendRecord =
  | ({ readonly kind: 'renewed' } & RenewedTokens)
  /**
   * The provider's permanent error code. `inDoubt`: an earlier exchange of the same token may have
   * brought a new one that was lost.
   */
  | { readonly kind: 'dead'; readonly code: string; readonly inDoubt: boolean }

export type SpendClaim =
  /** This process may spend the token. `inDoubt`: an earlier exchange may have spent it already. */
  | { readonly kind: 'ours'; readonly inDoubt: boolean }
  /** A living process is spending it. */
  | { readonly kind: 'theirs' }
  /** It was spent: apply this. */
  | { readonly kind: 'spent'; readonly record: SpendRecord }
  /** Two owners died after sending it: only a login helps. */
  | { readonly kind: 'lost' }
  /** The answer could not be kept: do not spend. */
  | { readonly kind: 'unwritable'; readonly detail: string }

/**
 * Who may spend a refresh token, and what came of it: shared by all processes through files.
 * Tickets are keyed by the token's hash and never by an account id. Every claim that is `ours` ends
 * with `record`, `release` or `leaveInDoubt`. Two implementations, one contract suite
 * (`test/contract/journal.ts`).
 */
export interface SpendJournal {
  /** What came of spending each of these tokens; undefined for those that were not spent. */
  spent(refreshTokens: readonly Secret[]): Promise<readonly (SpendRecord | undefined)[]>
  /** `ours` also means that there is room on the disk for the answer. */
  claim(refreshToken: Secret): Promise<SpendClaim>
  /**
   * Waits while a living process spends the token: for what it records, or for a claim of our own
   * when it died. Undefined when it gave up, after `ms`, or when the signal aborts.
   */
  wait(
    refreshToken: Secret,
    ms: number,
    signal?: AbortSignal,
  ): Promise<Exclude<SpendClaim, { kind: 'theirs' }> | undefined>
  /**
   * Says, before the token is sent, that it may be spent from now on, should this process die.
   * Throws when it cannot: do not send it then.
   */
  markSent(refreshToken: Secret): Promise<void>
  /** Keeps the outcome, durably, before anybody else learns of it. Throws when it cannot. */
  record(refreshToken: Secret, record: SpendRecord): Promise<void>
  /** Gives the ticket back: the token was certainly not spent. */
  release(refreshToken: Secret): Promise<void>
  /** Ends the claim without an answer, although the token may have been spent. */
  leaveInDoubt(refreshToken: Secret): Promise<void>
}
