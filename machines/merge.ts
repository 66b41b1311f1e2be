import type { AccountFacts } from './facts.ts'
import { type LimitRecord, limitKey, withoutEnded } from './limits.ts'

/**
 * Three-way merge: what we know now, what the store says now, and what both last agreed on. A
 * field that only one side changed takes that side's value; where both changed, nothing is lost:
 * the later limit, the newer token, the person's own decision.
 */
export function mergeFacts(
  base: AccountFacts,
  mine: AccountFacts,
  theirs: AccountFacts,
): AccountFacts {
  const pick = <Field extends keyof AccountFacts>(
    field: Field,
    both: (ours: AccountFacts[Field], foreign: AccountFacts[Field]) => AccountFacts[Field],
  ): AccountFacts[Field] => {
    if (Object.is(mine[field], base[field])) return theirs[field]
    if (Object.is(theirs[field], base[field])) return mine[field]
    return both(mine[field], theirs[field])
  }
  const renewedThere = theirs.tokenVersion > Math.max(base.tokenVersion, mine.tokenVersion)
  const token = theirs.tokenVersion >= mine.tokenVersion ? theirs : mine
  return {
    id: mine.id,
    label: theirs.label,
    plan: theirs.plan,
    limits: mergeLimits(base.limits, mine.limits, theirs.limits),
    // Probing is each process's own affair and is not stored.
    coolingUntil: mine.coolingUntil,
    strikes: pick('strikes', Math.max),
    // Failures speak of the token that failed: a newer one from elsewhere begins anew.
    authFailures: renewedThere ? theirs.authFailures : pick('authFailures', Math.max),
    authRetryAt: renewedThere ? theirs.authRetryAt : pick('authRetryAt', Math.max),
    ...mergeDisabled(base, mine, theirs, token),
    tokenExpiresAt: token.tokenExpiresAt,
    tokenVersion: token.tokenVersion,
    rev: theirs.rev,
  }
}

/** Whether two sets of facts would be stored alike: what has ended at `now` is not worth a write. */
export function sameStoredFacts(left: AccountFacts, right: AccountFacts, now: number): boolean {
  return left === right || storedPart(left, now) === storedPart(right, now)
}

function storedPart(facts: AccountFacts, now: number): string {
  const { strikes, authFailures, authRetryAt, disabledReason, disabledDetail } = facts
  const limits = withoutEnded(facts.limits, now)
    .map((limit) => [limitKey(limit), limit.until, limit.source, limit.observedAt].join())
    .toSorted()
  return JSON.stringify([
    limits,
    strikes,
    authFailures,
    authRetryAt,
    disabledReason,
    disabledDetail,
  ])
}

function mergeDisabled(
  base: AccountFacts,
  mine: AccountFacts,
  theirs: AccountFacts,
  token: AccountFacts,
): Pick<AccountFacts, 'disabledReason' | 'disabledDetail'> {
  // A newer token answers the doubt about the older one, even if that doubt is not saved yet.
  if (theirs.tokenVersion > base.tokenVersion && isAboutToken(mine) && isEnabled(theirs)) {
    return { disabledReason: null, disabledDetail: '' }
  }
  const person = [mine, theirs].find(
    (side) => side.disabledReason === 'user' && base.disabledReason !== 'user',
  )
  const winner =
    person ??
    (mine.disabledReason === base.disabledReason
      ? theirs
      : theirs.disabledReason === base.disabledReason
        ? mine
        : token)
  return { disabledReason: winner.disabledReason, disabledDetail: winner.disabledDetail }
}

function isAboutToken({ disabledReason }: AccountFacts): boolean {
  return disabledReason === 'auth' || disabledReason === 'revoked'
}

function isEnabled({ disabledReason }: AccountFacts): boolean {
  return disabledReason === null
}

/** Per window: a record that one side removed or changed follows that side; else the later end. */
function mergeLimits(
  base: readonly LimitRecord[],
  mine: readonly LimitRecord[],
  theirs: readonly LimitRecord[],
): readonly LimitRecord[] {
  const [before, ours, foreign] = [byKey(base), byKey(mine), byKey(theirs)]
  const keys = new Set([...ours.keys(), ...foreign.keys()])
  return [...keys].flatMap((key) => {
    const [was, left, right] = [before.get(key), ours.get(key), foreign.get(key)]
    if (sameLimit(left, was)) return right ?? []
    if (sameLimit(right, was)) return left ?? []
    if (left === undefined || right === undefined) return left ?? right ?? []
    return left.until >= right.until ? left : right
  })
}

function byKey(limits: readonly LimitRecord[]): Map<string, LimitRecord> {
  return new Map(limits.map((limit) => [limitKey(limit), limit]))
}

function sameLimit(left: LimitRecord | undefined, right: LimitRecord | undefined): boolean {
  return (
    left?.until === right?.until &&
    left?.observedAt === right?.observedAt &&
    left?.source === right?.source
  )
}
