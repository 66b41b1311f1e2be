import * as v from 'valibot'
import {
  API_KEY_PLAN,
  DISABLED_REASONS,
  isAboutToken,
  needsNewLogin,
} from '../../machines/facts.ts'
import { LIMIT_SOURCES, type LimitRecord } from '../../machines/limits.ts'
import { type Secret, secret } from '../secret.ts'

/** One window as the accounts file keeps it. */
export interface CachedWindow {
  /** 0–100. */
  readonly utilization: number
  /** ISO 8601, or null. */
  readonly resets_at: string | null
}

/** One account of the accounts file, as `accountSchema` gives it. */
export type StoredAccount = Readonly<v.InferOutput<typeof accountSchema>> & {
  /**
   * Fields of the file that this version does not know or cannot use, as they stand there. A field
   * at its default is written as it is here, so that a rewrite changes nothing nobody changed.
   * May hold secrets: never print it.
   */
  readonly extra: Readonly<Record<string, unknown>>
}

const time = v.pipe(v.number(), v.finite())
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const NONE = secret('')
const spendable = v.pipe(v.string(), v.regex(/\S/), v.transform(secret))
/** Goes into a header: anything but visible ASCII would make every `fetch` throw. */
const accessToken = v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/), v.transform(secret))

const cachedWindow: v.GenericSchema<unknown, CachedWindow> = v.looseObject({
  utilization: time,
  resets_at: v.fallback(v.nullable(v.string()), null),
})

const limitRecord: v.GenericSchema<unknown, LimitRecord> = v.looseObject({
  scope: v.union([v.literal('account'), v.looseObject({ family: v.string() })]),
  window: v.string(),
  until: time,
  source: v.picklist(LIMIT_SOURCES),
  observedAt: time,
})

/**
 * Only `uuid` and the secret can be wrong: any other field that is missing or of another type has
 * its default. Fields after `authDisabledReason` are our own. An account that is an API key has the
 * key in `accessToken`.
 */
export const accountSchema = v.object({
  uuid: v.pipe(v.string(), v.regex(/\S/)),
  accountId: maybe(v.string()),
  userId: maybe(v.string()),
  label: maybe(v.string()),
  email: maybe(v.string()),
  planTier: v.fallback(v.string(), ''),
  /** Empty where there is none: of an API key, and of nothing else that can be used. */
  refreshToken: v.fallback(spendable, NONE),
  accessToken: maybe<Secret>(accessToken),
  expiresAt: maybe(time),
  addedAt: v.fallback(time, 0),
  lastUsed: v.fallback(time, 0),
  enabled: v.fallback(v.boolean(), true),
  rateLimitResetAt: maybe(time),
  cachedUsage: maybe<Readonly<Record<string, CachedWindow | null>>>(
    v.record(v.string(), v.nullable(cachedWindow)),
  ),
  cachedUsageAt: maybe(time),
  consecutiveAuthFailures: v.fallback(count, 0),
  isAuthDisabled: v.fallback(v.boolean(), false),
  authDisabledReason: maybe(v.string()),
  limits: v.fallback(v.pipe(v.array(limitRecord), v.readonly()), []),
  disabledReason: maybe(v.picklist(DISABLED_REASONS)),
  tokenVersion: v.fallback(count, 0),
  coolingUntil: v.fallback(time, 0),
  strikes: v.fallback(count, 0),
  authRetryAt: v.fallback(time, 0),
})

/** What stands in a field that the file leaves out. */
export const ACCOUNT_DEFAULTS: Readonly<Record<string, unknown>> = {
  planTier: '',
  addedAt: 0,
  lastUsed: 0,
  enabled: true,
  consecutiveAuthFailures: 0,
  isAuthDisabled: false,
  limits: [],
  tokenVersion: 0,
  coolingUntil: 0,
  strikes: 0,
  authRetryAt: 0,
}

/** Left out of the file while at their default: other readers of the file do not know them. */
export const OWN_FIELDS: readonly string[] = [
  'limits',
  'disabledReason',
  'tokenVersion',
  'coolingUntil',
  'strikes',
  'authRetryAt',
]

/** `accounts` is left unparsed, so that one bad entry cannot hide the others. */
export const documentSchema = v.object({
  /** `rev + 1` must be another number, or compare-and-swap would see no difference. */
  rev: v.fallback(v.pipe(count, v.maxValue(2 ** 50)), 0),
  activeAccountUuid: maybe(v.string()),
  accounts: v.array(v.unknown()),
})

/** Disabled because of its token, so that a newer one answers the doubt. */
export function isDisabledForToken({ isAuthDisabled, disabledReason }: StoredAccount): boolean {
  return isAuthDisabled && isAboutToken({ disabledReason: disabledReason ?? 'auth' })
}

/** Trying its token once more would not help. */
export function isLoginGone({ disabledReason }: StoredAccount): boolean {
  return needsNewLogin(disabledReason)
}

/** Whether it is an API key, and not a login. */
export function isKeyAccount({ planTier, refreshToken }: StoredAccount): boolean {
  return planTier === API_KEY_PLAN && isNone(refreshToken)
}

/** What can be spent: keys have none. */
export function refreshTokens(accounts: readonly StoredAccount[]): Secret[] {
  return accounts.flatMap(({ refreshToken }) => (isNone(refreshToken) ? [] : refreshToken))
}

/** Whether two are the same login, by its refresh token, or the same key. */
export function hasSameSecret(one: Secrets, other: Secrets): boolean {
  const isSameLogin = one.refreshToken.reveal() === other.refreshToken.reveal()
  if (!isNone(one.refreshToken)) return isSameLogin
  return isSameLogin && one.accessToken?.reveal() === other.accessToken?.reveal()
}

type Secrets = Pick<StoredAccount, 'refreshToken' | 'accessToken'>

export function isNone(token: Secret): boolean {
  return token.reveal() === ''
}

function maybe<T>(schema: v.GenericSchema<unknown, T> | v.GenericSchema<string, T>) {
  return v.fallback(v.undefinedable(schema), undefined)
}
