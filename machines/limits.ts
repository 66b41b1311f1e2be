/** Where a limit applies: to the whole account, or to one model family of it (`sonnet`, `opus` …). */
export type LimitScope = 'account' | { readonly family: string }

/** How much a limit record can be believed; strongest first. */
export const LIMIT_SOURCES = ['header', 'body', 'usage', 'guess'] as const
export type LimitSource = (typeof LIMIT_SOURCES)[number]

/** One refusal that still holds: what is used up, until when, and how we know. */
export interface LimitRecord {
  readonly scope: LimitScope
  /** The window in the provider's words, normalised: `session`, `weekly`, `burst` … */
  readonly window: string
  /** Epoch ms, on the local clock. */
  readonly until: number
  readonly source: LimitSource
  /** Epoch ms at which the request that taught us this was sent. */
  readonly observedAt: number
}

/** What the provider's usage endpoint said of an account's windows. */
export interface UsageRead {
  /** Epoch ms at which the question was sent. */
  readonly at: number
  /** The windows that are used up, each with its end. */
  readonly usedUp: readonly Pick<LimitRecord, 'scope' | 'window' | 'until'>[]
  /** It knows the windows of the whole account, and none of them is in the way. */
  readonly isFree: boolean
}

/** The window of a guess: the provider refused and named nothing. */
export const BURST = 'burst'

/** Epoch ms at which the whole account is free again; 0 = no limit binds it. */
export function accountLimitedUntil(limits: readonly LimitRecord[]): number {
  return latest(limits.filter((limit) => limit.scope === 'account'))
}

/** Epoch ms at which a request for `family` may use the account; 0 = now. */
export function limitedUntil(limits: readonly LimitRecord[], family: string | undefined): number {
  return latest(limits.filter((limit) => appliesTo(limit.scope, family)))
}

/** The record that binds longest for `family`, for explanations. */
export function bindingLimit(
  limits: readonly LimitRecord[],
  family: string | undefined,
  now: number,
): LimitRecord | undefined {
  const binding = limits.filter((limit) => limit.until > now && appliesTo(limit.scope, family))
  return binding.reduce<LimitRecord | undefined>(
    (best, limit) => (best === undefined || limit.until > best.until ? limit : best),
    undefined,
  )
}

/** Adds records. Of two for the same scope and window the later observation wins. */
export function withLimits(
  known: readonly LimitRecord[],
  learned: readonly LimitRecord[],
): readonly LimitRecord[] {
  const records = new Map(known.map((limit) => [limitKey(limit), limit]))
  for (const limit of learned) {
    const before = records.get(limitKey(limit))
    if (before === undefined || isNewer(limit, before)) records.set(limitKey(limit), limit)
  }
  return [...records.values()]
}

/** Drops what has ended at `now`. */
export function withoutEnded(limits: readonly LimitRecord[], now: number): readonly LimitRecord[] {
  return limits.filter((limit) => limit.until > now)
}

/**
 * What a success proves: only a guess made before the request was sent was wrong. A named limit
 * stays, because the request may be older than the refusal that taught it.
 */
export function withoutRefutedGuesses(
  limits: readonly LimitRecord[],
  sentAt: number,
): readonly LimitRecord[] {
  return limits.filter((limit) => limit.source !== 'guess' || limit.observedAt > sentAt)
}

/**
 * What a usage read proves: a guess made before it was asked gives way, to the windows that are used
 * up or to nothing. What the provider itself named when it refused is stronger, and stays as it is.
 * The same list when nothing changes.
 */
export function withUsageRead(
  limits: readonly LimitRecord[],
  { at, usedUp, isFree }: UsageRead,
): readonly LimitRecord[] {
  const isOlderGuess = (limit: LimitRecord) => limit.source === 'guess' && limit.observedAt < at
  const holdsAccount = usedUp.some(({ scope }) => scope === 'account')
  if (!limits.some(isOlderGuess) || !(isFree || holdsAccount)) return limits
  const kept = limits.filter((limit) => !isOlderGuess(limit))
  const isKept = new Set(kept.map(limitKey))
  const confirmed = usedUp.map((window): LimitRecord => ({
    ...window,
    source: 'usage',
    observedAt: at,
  }))
  return [...kept, ...confirmed.filter((limit) => !isKept.has(limitKey(limit)))]
}

/** Identifies what a record speaks of. */
export function limitKey(limit: Pick<LimitRecord, 'scope' | 'window'>): string {
  return `${limit.scope === 'account' ? '' : limit.scope.family}/${limit.window}`
}

function appliesTo(scope: LimitScope, family: string | undefined): boolean {
  return scope === 'account' || scope.family === family
}

function isNewer(limit: LimitRecord, before: LimitRecord): boolean {
  return limit.observedAt === before.observedAt
    ? limit.until > before.until
    : limit.observedAt > before.observedAt
}

function latest(limits: readonly LimitRecord[]): number {
  return limits.reduce((until, limit) => Math.max(until, limit.until), 0)
}
