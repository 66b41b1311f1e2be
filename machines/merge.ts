import { type AccountFacts, isAboutToken } from './facts.ts'
import { type LimitRecord, limitKey, withoutEnded } from './limits.ts'

/**
 * Three-way merge: what we know now, what the store says now, and what both last agreed on. A
 * field that only one side changed takes that side's value; where both changed, nothing is lost:
 * the later limit, the newer token, the person's own decision. Whose turn it is to write makes no
 * difference, so any number of processes end in the same facts, in whatever order they write.
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
  const renewed = newerToken(mine, theirs)
  const token = renewed ?? theirs
  return {
    id: mine.id,
    label: theirs.label,
    plan: theirs.plan,
    limits: mergeLimits(base.limits, mine.limits, theirs.limits),
    // Probing, and whom this process could not reach, are its own affair and are not stored.
    coolingUntil: mine.coolingUntil,
    postponements: mine.postponements,
    strikes: pick('strikes', Math.max),
    // Failures speak of the token that failed: a newer one begins anew, whoever renewed it.
    authFailures: renewed?.authFailures ?? pick('authFailures', Math.max),
    authRetryAt: renewed?.authRetryAt ?? pick('authRetryAt', Math.max),
    ...mergeDisabled(base, mine, theirs),
    tokenExpiresAt: token.tokenExpiresAt,
    tokenVersion: token.tokenVersion,
    rev: theirs.rev,
  }
}

/** The side with the newer token; undefined when both have the same. */
function newerToken(mine: AccountFacts, theirs: AccountFacts): AccountFacts | undefined {
  if (mine.tokenVersion === theirs.tokenVersion) return undefined
  return mine.tokenVersion > theirs.tokenVersion ? mine : theirs
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
    // Without a failure it only says that this process could not reach the token endpoint.
    authFailures > 0 ? authRetryAt : 0,
    disabledReason,
    disabledDetail,
  ])
}

type Standing = Pick<AccountFacts, 'disabledReason' | 'disabledDetail'>

function mergeDisabled(base: AccountFacts, mine: AccountFacts, theirs: AccountFacts): Standing {
  const { disabledReason, disabledDetail } = standing(base, mine, theirs)
  return { disabledReason, disabledDetail }
}

function standing(base: AccountFacts, mine: AccountFacts, theirs: AccountFacts): Standing {
  // A newer token answers the doubt about the older one, even if that doubt is not saved yet.
  if (isAnswered(mine, theirs)) return isUnchanged(theirs, base) ? ENABLED : theirs
  if (isAnswered(theirs, mine)) return isUnchanged(mine, base) ? ENABLED : mine
  if (isUnchanged(mine, base)) return theirs
  if (isUnchanged(theirs, base)) return mine
  return compareStandings(mine, theirs) > 0 ? mine : theirs
}

/** Whoever doubted the token knew that nothing else was in the way any more. */
const ENABLED: Standing = { disabledReason: null, disabledDetail: '' }

function isAnswered(doubt: AccountFacts, other: AccountFacts): boolean {
  return isAboutToken(doubt) && other.tokenVersion > doubt.tokenVersion
}

/** The same doubt about another token is another doubt. */
function isUnchanged(side: AccountFacts, base: AccountFacts): boolean {
  const speaksOfSame = !isAboutToken(side) || side.tokenVersion === base.tokenVersion
  return speaksOfSame && compareStandings(side, base) === 0
}

/** Which of two reasons stays: the person's own, then what a newer token would not end. */
const LASTING: readonly AccountFacts['disabledReason'][] = [
  null,
  'auth',
  'lost',
  'revoked',
  'crashed',
  'billing',
  'organization',
  'user',
]

function compareStandings(left: Standing, right: Standing): number {
  const lasts = LASTING.indexOf(left.disabledReason) - LASTING.indexOf(right.disabledReason)
  return lasts === 0 ? compareTexts(left.disabledDetail, right.disabledDetail) : lasts
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
    return compareLimits(left, right) > 0 ? left : right
  })
}

/** Of two that end together the one that was seen later; then any, but always the same. */
function compareLimits(left: LimitRecord, right: LimitRecord): number {
  if (left.until !== right.until) return left.until - right.until
  if (left.observedAt !== right.observedAt) return left.observedAt - right.observedAt
  return compareTexts(left.source, right.source)
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0
  return left > right ? 1 : -1
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
