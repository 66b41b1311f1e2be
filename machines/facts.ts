import { BURST, type LimitRecord, withLimits, withoutRefutedGuesses } from './limits.ts'

/** Why an account does not take part. */
export const DISABLED_REASONS = [
  /** The person turned it off. */
  'user',
  /** The circuit breaker: refused too often in a row, though not for good. */
  'auth',
  /** Its login was refused for good. */
  'revoked',
  /** Its login was probably lost when a renewal was cut off. */
  'lost',
  'billing',
  'organization',
  /** Our own fault: its machine failed three times. */
  'crashed',
] as const
export type DisabledReason = (typeof DISABLED_REASONS)[number]

/**
 * What is known about one account. Everything here may be printed: tokens live in the vault
 * (`src/pool/vault.ts`) and only their expiry and version are facts.
 */
export interface AccountFacts {
  readonly id: string
  readonly label: string
  readonly plan: string
  readonly limits: readonly LimitRecord[]
  /** Epoch ms until which a returned account is probed, one request at a time; 0 = not cooling. */
  readonly coolingUntil: number
  /** Refusals without a named time since the last success; lengthens the next guess. */
  readonly strikes: number
  /** Authentication failures in a row. */
  readonly authFailures: number
  /** Epoch ms at which a token refresh is tried again; 0 = nothing is failing. */
  readonly authRetryAt: number
  /** Refreshes in a row that found the token endpoint out of reach; this process's own count. */
  readonly postponements: number
  /** Set while the account is disabled, and only then. */
  readonly disabledReason: DisabledReason | null
  /** One sentence for the person: what the provider said. Never holds a secret. */
  readonly disabledDetail: string
  /** Epoch ms; 0 = unknown. */
  readonly tokenExpiresAt: number
  /** Grows by one with each token the account receives. */
  readonly tokenVersion: number
  /** The store revision these facts were last merged with. */
  readonly rev: number
}

/** The bounds an account lives by; a function of the configuration. */
export interface AccountPolicy {
  /** Authentication failures in a row that open the circuit breaker. */
  readonly maxAuthFailures: number
  /** First pause after a failed token refresh, ms; doubles up to `AUTH_BACKOFF_CAP_MS`. */
  readonly authBackoffMs: number
  /** First bench after a refusal that names no time, ms; doubles up to `STRIKE_BACKOFF_CAP_MS`. */
  readonly strikeBackoffMs: number
}

/** How long an account that came back is probed before it counts as active again. */
export const COOLING_MS = 15_000
/** A guess must stay short: ten minutes is the longest anyone should wait for a guess. */
const STRIKE_BACKOFF_CAP_MS = 10 * 60_000
/** A token endpoint is never asked in a tight loop, whatever the configuration says. */
const LEAST_AUTH_BACKOFF_MS = 1_000
/** Nobody should wait long for an account after the network is back. */
const POSTPONE_CAP_MS = 2 * 60_000
/** The longest pause between two attempts to repair a token. */
const AUTH_BACKOFF_CAP_MS = 15 * 60_000

/**
 * The plan of an account that is an API key: each request is paid for, and there is nothing to
 * renew. The accounts file tells one by it.
 */
export const API_KEY_PLAN = 'apiKey'

export function isApiKey({ plan }: Pick<AccountFacts, 'plan'>): boolean {
  return plan === API_KEY_PLAN
}

/** The facts of an account of which only its identity is known. */
export function newFacts(id: string, known: Partial<AccountFacts> = {}): AccountFacts {
  return {
    id,
    label: id,
    plan: '',
    limits: [],
    coolingUntil: 0,
    strikes: 0,
    authFailures: 0,
    authRetryAt: 0,
    postponements: 0,
    disabledReason: null,
    disabledDetail: '',
    tokenExpiresAt: 0,
    tokenVersion: 0,
    rev: 0,
    ...known,
  }
}

/**
 * A refusal that names no time, or too short a one: one strike and a guessed bench. Parallel
 * requests refused by the same burst count once.
 */
export function struck(
  facts: AccountFacts,
  refusal: { readonly sentAt: number; readonly retryAfterMs: number | undefined },
  policy: AccountPolicy,
  now: number,
): AccountFacts {
  const sameBurst = facts.limits.some(
    (limit) => limit.source === 'guess' && limit.observedAt >= refusal.sentAt,
  )
  if (sameBurst) return facts
  const guessMs = doubling(policy.strikeBackoffMs, facts.strikes, STRIKE_BACKOFF_CAP_MS)
  const limit: LimitRecord = {
    scope: 'account',
    window: BURST,
    until: now + Math.max(refusal.retryAfterMs ?? 0, guessMs),
    source: 'guess',
    observedAt: now,
  }
  return { ...facts, strikes: facts.strikes + 1, limits: withLimits(facts.limits, [limit]) }
}

/** A request went through: nothing is failing, and guesses made before it was sent were wrong. */
export function healed(facts: AccountFacts, sentAt: number): AccountFacts {
  return {
    ...facts,
    strikes: 0,
    coolingUntil: 0,
    authFailures: 0,
    authRetryAt: 0,
    postponements: 0,
    limits: withoutRefutedGuesses(facts.limits, sentAt),
  }
}

/** Whether `healed` would change anything: a success without it needs no event. */
export function needsHealing(facts: AccountFacts): boolean {
  return (
    facts.strikes > 0 ||
    facts.coolingUntil > 0 ||
    facts.authFailures > 0 ||
    facts.authRetryAt > 0 ||
    facts.limits.some((limit) => limit.source === 'guess')
  )
}

/** The limits have ended: drop them and begin to probe. */
export function returned(facts: AccountFacts, now: number): AccountFacts {
  return {
    ...facts,
    limits: facts.limits.filter((limit) => limit.scope !== 'account'),
    coolingUntil: now + COOLING_MS,
  }
}

/** One authentication failure that counts. */
export function failedAuth(facts: AccountFacts, policy: AccountPolicy, now: number): AccountFacts {
  const failures = facts.authFailures + 1
  return {
    ...facts,
    authFailures: failures,
    authRetryAt:
      now +
      Math.max(
        LEAST_AUTH_BACKOFF_MS,
        doubling(policy.authBackoffMs, failures - 1, AUTH_BACKOFF_CAP_MS),
      ),
  }
}

/** The token endpoint could not be asked: try again later, blame nobody. */
export function postponedAuth(
  facts: AccountFacts,
  policy: AccountPolicy,
  now: number,
): AccountFacts {
  const pause = doubling(policy.authBackoffMs, facts.postponements, POSTPONE_CAP_MS)
  return {
    ...facts,
    postponements: facts.postponements + 1,
    authRetryAt: now + Math.max(LEAST_AUTH_BACKOFF_MS, pause),
  }
}

/** Disabled because of its token, so that a newer one answers the doubt. */
export function isAboutToken({ disabledReason }: Pick<AccountFacts, 'disabledReason'>): boolean {
  return disabledReason === 'auth' || needsNewLogin(disabledReason)
}

/** Nothing else repairs it: its token is refused for good, or gone. */
export function needsNewLogin(reason: DisabledReason | null | undefined): boolean {
  return reason === 'revoked' || reason === 'lost'
}

/** A new token arrived, which repairs an account that was disabled for its token alone. */
export function renewed(
  facts: AccountFacts,
  token: { readonly expiresAt: number; readonly version: number },
): AccountFacts {
  const repaired = isAboutToken(facts) ? enabled(facts) : facts
  return {
    ...repaired,
    authFailures: 0,
    authRetryAt: 0,
    postponements: 0,
    tokenExpiresAt: token.expiresAt,
    tokenVersion: token.version,
  }
}

export function disabled(
  facts: AccountFacts,
  reason: DisabledReason,
  detail: string,
): AccountFacts {
  return { ...facts, disabledReason: reason, disabledDetail: detail }
}

/** Back with a clean slate; limits stay, because the provider still counts them. */
export function enabled(facts: AccountFacts): AccountFacts {
  return {
    ...facts,
    disabledReason: null,
    disabledDetail: '',
    authFailures: 0,
    authRetryAt: 0,
    postponements: 0,
    strikes: 0,
  }
}

function doubling(firstMs: number, times: number, capMs: number): number {
  return Math.min(capMs, firstMs * 2 ** Math.min(times, 20))
}
