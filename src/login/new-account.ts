import type { Login } from '../provider/login.ts'
import { cleanMessage } from '../provider/message.ts'
import type { Secret } from '../secret.ts'
import type { StoredAccount } from '../store/schema.ts'
import type { StoreDocument } from '../store/store.ts'

/** A login, of which the access token may be missing: it is renewed before it is used. */
export interface AccountLogin extends Omit<Login, 'accessToken' | 'expiresAt'> {
  readonly accessToken: Secret | undefined
  /** Epoch ms; undefined = unknown. */
  readonly expiresAt: number | undefined
}

/** The account of a login that is not in the pool yet. Its label is the caller's affair. */
export function newAccount(login: AccountLogin, uuid: string, addedAt: number): StoredAccount {
  return {
    uuid,
    ...tokensOf(login),
    accountId: login.accountId,
    userId: login.userId,
    label: undefined,
    email: login.email,
    planTier: login.planTier ?? '',
    addedAt,
    lastUsed: 0,
    enabled: true,
    rateLimitResetAt: undefined,
    cachedUsage: undefined,
    cachedUsageAt: undefined,
    consecutiveAuthFailures: 0,
    isAuthDisabled: false,
    authDisabledReason: undefined,
    limits: [],
    disabledReason: undefined,
    tokenVersion: 0,
    coolingUntil: 0,
    strikes: 0,
    authRetryAt: 0,
    extra: {},
  }
}

export function tokensOf({ accessToken, refreshToken, expiresAt }: AccountLogin) {
  return { accessToken, refreshToken, expiresAt }
}

/** The e-mail, or "account 3"; a second seat of one e-mail becomes "e-mail (2)". */
export function newLabel(
  { email = '' }: Pick<Login, 'email'>,
  { accounts }: Pick<StoreDocument, 'accounts'>,
): string {
  const taken = new Set(accounts.map(({ label }) => label))
  const name = cleanMessage(email)
  const candidate = (number: number) => {
    if (name === '') return `account ${accounts.length + number}`
    return number === 1 ? name : `${name} (${number})`
  }
  let number = 1
  while (taken.has(candidate(number))) number++
  return candidate(number)
}
