import type { Credential } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
import type { StoredAccount } from '../store/schema.ts'

/** The tokens of one account. They exist here and in the store, and nowhere else. */
export interface Tokens {
  readonly refreshToken: Secret
  readonly accessToken: Secret | undefined
  /** Epoch ms; 0 = unknown. */
  readonly expiresAt: number
  readonly version: number
  readonly accountId: string | undefined
}

/** The tokens of all accounts by account id: what the machines must never see. */
export type Vault = Map<string, Tokens>

export function tokensOf(account: StoredAccount): Tokens {
  return {
    refreshToken: account.refreshToken,
    accessToken: account.accessToken,
    expiresAt: account.expiresAt ?? 0,
    version: account.tokenVersion,
    accountId: account.accountId,
  }
}

/** What a request may use at `now`; undefined when the token is missing or has ended. */
export function usableCredential(tokens: Tokens, now: number): Credential | undefined {
  const { accessToken, accountId, expiresAt } = tokens
  if (accessToken === undefined) return undefined
  if (expiresAt !== 0 && expiresAt <= now) return undefined
  return { accessToken, accountId }
}

/** Whether `tokens` came after `than`; another program may renew a token without counting. */
export function isNewer(tokens: Tokens, than: Tokens): boolean {
  const isOther = tokens.refreshToken.reveal() !== than.refreshToken.reveal()
  return tokens.version > than.version || (tokens.version === than.version && isOther)
}
