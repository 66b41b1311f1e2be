import type { Credential } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
import { type StoredAccount, hasSameSecret, isNone } from '../store/schema.ts'

/** The secrets of one account. They exist here and in the store, and nowhere else. */
export interface Tokens {
  /** Empty: the access token is an API key, which nothing renews. */
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
  if (ours !== undefined && cameFrom(ours, account)) return
  vault.set(account.uuid, {
    refreshToken: account.refreshToken,
    accessToken: account.accessToken,
    expiresAt: account.expiresAt ?? 0,
    version: versionOf(account, ours),
    accountId: account.accountId,
    ...(holds(ours, account) && ours?.from !== undefined ? { from: ours.from } : {}),
  })
}

/** Our own count of a stored account's token, whether it was taken or not. */
export function versionOf(account: StoredAccount, ours: Tokens | undefined): number {
  const counted = account.tokenVersion
  if (ours === undefined) return counted
  if (cameFrom(ours, account)) return Math.min(counted, ours.version - 1)
  return Math.max(counted, holds(ours, account) ? ours.version : ours.version + 1)
}

function cameFrom(ours: Tokens, { refreshToken }: StoredAccount): boolean {
  return ours.from?.some((spent) => spent.reveal() === refreshToken.reveal()) === true
}

function holds(ours: Tokens | undefined, account: StoredAccount): boolean {
  return ours !== undefined && hasSameSecret(ours, account)
}

/** What a request may use at `now`; undefined when the token is missing or has ended. */
export function usableCredential(tokens: Tokens, now: number): Credential | undefined {
  const { accessToken, accountId, expiresAt } = tokens
  if (accessToken === undefined) return undefined
  if (expiresAt !== 0 && expiresAt <= now) return undefined
  return { accessToken, accountId, ...(isNone(tokens.refreshToken) ? { isApiKey: true } : {}) }
}

/** Whether `tokens` came after `than`; another program may renew a token without counting. */
export function isNewer(tokens: Tokens, than: Tokens): boolean {
  const isOther = !hasSameSecret(tokens, than)
  return tokens.version > than.version || (tokens.version === than.version && isOther)
}
