import { type StoredAccount, isDisabledForToken } from './schema.ts'
import type { RejectedEntry, StoreDocument } from './store.ts'

/**
 * Whether a file that holds `document` was set back: a stopped writer went on, a backup was put in
 * its place. Without a revision it is another program's, which had its reasons.
 */
export function isSetBack(document: StoreDocument, newest: StoreDocument): boolean {
  return document.rev > 0 && document.rev < newest.rev
}

/**
 * Brings together what stands in a file that was set back, and what is known to be newer. Nothing
 * of either is lost: every account of both is there, each with the newer of its tokens. What else
 * both say of an account, the higher revision knows better, whichever argument it is.
 */
export function rejoin(one: StoreDocument, other: StoreDocument): StoreDocument {
  const [older, newer] = one.rev <= other.rev ? [one, other] : [other, one]
  const before = new Map(older.accounts.map((account) => [account.uuid, account]))
  const known = new Set(newer.accounts.map(({ uuid }) => uuid))
  const accounts = newer.accounts.map((account) => {
    const earlier = before.get(account.uuid)
    return earlier === undefined ? account : rejoinAccounts(earlier, account)
  })
  return {
    rev: newer.rev,
    activeAccountUuid: newer.activeAccountUuid ?? older.activeAccountUuid,
    accounts: [...accounts, ...older.accounts.filter(({ uuid }) => !known.has(uuid))],
    rejected: rejoinRejected(older.rejected, newer.rejected),
    extra: { ...older.extra, ...newer.extra },
  }
}

function rejoinAccounts(older: StoredAccount, newer: StoredAccount): StoredAccount {
  const isOutdated = compareTokens(older, newer) > 0
  return {
    ...newer,
    // Who it is does not change: an older answer is better than none.
    accountId: newer.accountId ?? older.accountId,
    userId: newer.userId ?? older.userId,
    label: newer.label ?? older.label,
    email: newer.email ?? older.email,
    lastUsed: Math.max(older.lastUsed, newer.lastUsed),
    ...(isOutdated ? tokensOf(older) : {}),
    // What was said of a token ends with that token.
    ...(isOutdated && isDisabledForToken(newer) ? standingOf(older) : {}),
    extra: { ...older.extra, ...newer.extra },
  }
}

/** Positive: `one` has the newer token. Other programs renew a token without counting. */
function compareTokens(one: StoredAccount, other: StoredAccount): number {
  if (one.tokenVersion !== other.tokenVersion) return one.tokenVersion - other.tokenVersion
  return (one.expiresAt ?? 0) - (other.expiresAt ?? 0)
}

function tokensOf({ refreshToken, accessToken, expiresAt, tokenVersion }: StoredAccount) {
  return { refreshToken, accessToken, expiresAt, tokenVersion }
}

function standingOf(account: StoredAccount) {
  const { isAuthDisabled, authDisabledReason, disabledReason } = account
  const { consecutiveAuthFailures, authRetryAt } = account
  return {
    isAuthDisabled,
    authDisabledReason,
    disabledReason,
    consecutiveAuthFailures,
    authRetryAt,
  }
}

/** What cannot be used is compared as it stands; what comes back goes to the end of the list. */
function rejoinRejected(
  older: readonly RejectedEntry[],
  newer: readonly RejectedEntry[],
): readonly RejectedEntry[] {
  const known = new Set(newer.map(({ raw }) => JSON.stringify(raw)))
  const missing = older.filter(({ raw }) => !known.has(JSON.stringify(raw)))
  return [...newer, ...missing.map((entry) => ({ ...entry, index: AT_THE_END }))]
}

const AT_THE_END = Number.MAX_SAFE_INTEGER
