import { type AccountFacts, newFacts } from '../../machines/facts.ts'
import {
  accountLimitedUntil,
  withLimits,
  withoutEnded,
  type LimitRecord,
} from '../../machines/limits.ts'
import { cleanMessage } from '../provider/message.ts'
import type { StoredAccount } from '../store/schema.ts'

/** An access token that is not there has ended; 0 would mean that nobody knows. */
const LONG_AGO = 1

/** What a stored account says, as facts. Its texts are cleaned: anybody may have written them. */
export function factsOf(
  account: StoredAccount,
  at: { readonly rev: number; readonly position: number; readonly now: number },
): AccountFacts {
  const { rev, position, now } = at
  return newFacts(account.uuid, {
    label: cleanMessage(account.label ?? account.email ?? '') || `account ${position + 1}`,
    plan: cleanMessage(account.planTier),
    limits: withoutEnded(withLimits(account.limits, foreignLimit(account)), now),
    strikes: account.strikes,
    authFailures: account.consecutiveAuthFailures,
    authRetryAt: account.authRetryAt,
    disabledReason: disabledReasonOf(account),
    disabledDetail: cleanMessage(account.authDisabledReason ?? ''),
    tokenExpiresAt: account.accessToken === undefined ? LONG_AGO : (account.expiresAt ?? 0),
    tokenVersion: account.tokenVersion,
    rev,
  })
}

/** The stored account with these facts in it. Tokens and unknown fields stay as they are. */
export function withFacts(account: StoredAccount, facts: AccountFacts): StoredAccount {
  const byPerson = facts.disabledReason === 'user'
  const bySystem = facts.disabledReason !== null && !byPerson
  const until = accountLimitedUntil(facts.limits)
  return {
    ...account,
    limits: facts.limits,
    // The fields that readers of the original format know.
    rateLimitResetAt: until === 0 ? undefined : until,
    enabled: !byPerson,
    isAuthDisabled: bySystem,
    authDisabledReason: bySystem ? facts.disabledDetail : undefined,
    disabledReason: facts.disabledReason ?? undefined,
    consecutiveAuthFailures: facts.authFailures,
    // That this process could not reach the token endpoint says nothing of the account.
    authRetryAt: facts.authFailures > 0 ? facts.authRetryAt : 0,
    strikes: facts.strikes,
  }
}

/** A limit written by a reader of the original format, which knows no records. */
function foreignLimit(account: StoredAccount): LimitRecord[] {
  const until = account.rateLimitResetAt ?? 0
  if (until === 0 || until <= accountLimitedUntil(account.limits)) return []
  return [{ scope: 'account', window: 'unknown', until, source: 'guess', observedAt: 0 }]
}

function disabledReasonOf(account: StoredAccount): AccountFacts['disabledReason'] {
  if (!account.enabled) return 'user'
  if (account.isAuthDisabled) return account.disabledReason ?? 'auth'
  return null
}
