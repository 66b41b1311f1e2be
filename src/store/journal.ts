import type { Secret } from '../secret.ts'

/** What spending a refresh token brought. */
export type SpendRecord =
  | {
      readonly kind: 'renewed'
      readonly accessToken: Secret
      readonly refreshToken: Secret
      /** Epoch ms. */
      readonly expiresAt: number
      readonly accountId: string | undefined
      readonly email: string | undefined
    }
  /** The provider's permanent error code. */
  | { readonly kind: 'dead'; readonly code: string }

export type SpendClaim =
  /** This process may spend the token. `inDoubt`: somebody who died may have spent it already. */
  | { readonly kind: 'ours'; readonly inDoubt: boolean }
  /** A living process is spending it. */
  | { readonly kind: 'theirs' }
  /** It was spent: apply this. */
  | { readonly kind: 'spent'; readonly record: SpendRecord }
  /** Two owners died while spending it: only a login helps. */
  | { readonly kind: 'lost' }
  /** A ticket cannot be written, so the answer could not be kept either: do not spend. */
  | { readonly kind: 'unwritable'; readonly detail: string }

/**
 * Who may spend a refresh token, and what came of it: shared by all processes through files.
 * Tickets are keyed by the token's hash and never by an account id.
 */
export interface SpendJournal {
  /** What came of spending this token, if it was spent. */
  read(refreshToken: Secret): Promise<SpendRecord | undefined>
  claim(refreshToken: Secret): Promise<SpendClaim>
  /** Waits for what the living owner records; a claim when the owner died; undefined at the end. */
  wait(refreshToken: Secret, ms: number): Promise<SpendRecord | SpendClaim | undefined>
  /** Keeps the outcome, durably, before anybody else learns of it. Throws when it cannot. */
  record(refreshToken: Secret, record: SpendRecord): Promise<void>
  /** Gives the ticket back: the token was certainly not spent. */
  release(refreshToken: Secret): Promise<void>
}
