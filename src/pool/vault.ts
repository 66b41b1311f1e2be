import type { Credential } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
import type { StoredAccount } from '../store/schema.ts'

/** The tokens of one account. They exist here and in the store, and nowhere else. */
export interface Tokens {
  readonly refreshToken: Secret
  readonly accessToken: Secret | undefined
  /** Epoch ms; 0 = unknown. */
  readonly expiresAt: number
  /** Grows with each token that this process sees. */
  readonly version: number
  readonly accountId: string | undefined
  /** The refresh tokens that this one came from, newest first, as far as this process knows. */
  readonly from?: readonly Secret[]
}

/** The tokens of all accounts by account id: what the machines must never see. */
export type Vault = Map<string, Tokens>

/**
 * Takes the tokens of a stored account. They are older than ours only if ours came from them: a
 * renewal that could not be written yet. Any other token is newer, whatever count stands beside it.
 */
export function takeTokens(vault: Vault, account: StoredAccount): void {
  const ours = vault.get(account.uuid)
  const stored = account.refreshToken.reveal()
  if (ours?.from?.some((spent) => spent.reveal() === stored) === true) return
  const isSame = ours?.refreshToken.reveal() === stored
  const known = ours === undefined ? -1 : ours.version
  const version = Math.max(account.tokenVersion, isSame ? known : known + 1)
  vault.set(account.uuid, {
    refreshToken: account.refreshToken,
    accessToken: account.accessToken,
    expiresAt: account.expiresAt ?? 0,
    version,
    accountId: account.accountId,
    ...(isSame && ours.from !== undefined ? { from: ours.from } : {}),
  })
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
