import type { DisabledReason } from '../../../machines/facts.ts'
import type { LimitRecord } from '../../../machines/limits.ts'
import { readDuration, readExhausted } from '../exhausted.ts'
import { cleanMessage } from '../message.ts'
import type { Answer, Verdict } from '../provider.ts'
import { isOverloaded, isSuccess, overloaded, tooFast, usedUp } from '../refusal.ts'
import { resetAfter, resetAt } from '../reset.ts'
import { readRetryAfter } from '../retry-after.ts'
import { USAGE_LIMIT } from '../windows.ts'
import { type ErrorBody, readError } from './error.ts'
import { FOREIGN } from './reasoning.ts'
import { readUsedUpLimits, scopeOf } from './limits.ts'

/** What a code says, whatever the status that it came with. */
const REFUSED: ReadonlyMap<string, DisabledReason> = new Map([
  ['deactivated_workspace', 'revoked'],
  ['account_deactivated', 'revoked'],
  ['usage_not_included', 'billing'],
  ['insufficient_quota', 'billing'],
  ['billing_hard_limit_reached', 'billing'],
  ['billing_not_active', 'billing'],
  ['credit_balance_exhausted', 'billing'],
  ['organization_spend_limit_exceeded', 'billing'],
  ['project_spend_limit_exceeded', 'billing'],
])
/** "Please try again in 6m0s", in a message. */
const TRY_AGAIN = 'try again in\\s+'
/** More tokens in one request than a minute allows: no pause helps. */
const TOO_LARGE = /^request too large for /i
/** What the public API says of a key's allowances per minute or day. */
const REMAINING = /^x-ratelimit-remaining-([a-z-]{1,40})$/
const resetName = (allowance: string) => `x-ratelimit-reset-${allowance}`
const OVERLOADED = new Set(['server_is_overloaded', 'slow_down'])
/** A reset in the body counts only when it is later than the windows' own by more than jitter. */
const JITTER_MS = 60_000

/** What an answer of OpenAI means for the account. One row of `docs/providers.md` each. */
export function judge(answer: Answer): Verdict {
  if (isSuccess(answer.status)) return { kind: 'ok' }
  const error = readError(answer.body)
  return judgeCode(answer, error) ?? judgeStatus(answer, error)
}

function judgeCode(answer: Answer, error: ErrorBody): Verdict | undefined {
  const { codes, message } = error
  if (codes.includes('context_length_exceeded')) return { kind: 'request' }
  if (codes.includes(FOREIGN)) return { kind: 'foreign' }
  const refused = codes.find((code) => REFUSED.has(code))
  const reason = refused === undefined ? undefined : REFUSED.get(refused)
  if (reason !== undefined && refused !== undefined) {
    return { kind: 'refused', reason, detail: cleanMessage(message) || refused }
  }
  if (codes.includes('usage_limit_reached')) return judgeUsageLimit(answer, error)
  return codes.some((code) => OVERLOADED.has(code)) ? overloaded(answer) : undefined
}

function judgeStatus(answer: Answer, error: ErrorBody): Verdict {
  if (isOverloaded(answer.status)) return overloaded(answer)
  if (answer.status === 401) return answer.isApiKey ? keyRefused(error) : { kind: 'unauthorized' }
  return answer.status === 429 ? judgeTooMany(answer, error) : { kind: 'request' }
}

/** Nothing renews a key: the same one will be refused again. Unless it was a proxy that refused. */
function keyRefused({ codes, message }: ErrorBody): Verdict {
  if (codes.length === 0 && message === '') return { kind: 'request' }
  return { kind: 'refused', reason: 'auth', detail: cleanMessage(message) || (codes[0] ?? '') }
}

/** The used-up windows, and the body's own time where it goes beyond them. */
function judgeUsageLimit(answer: Answer, error: ErrorBody): Verdict {
  const windows = readUsedUpLimits(answer)
  const latest = windows.reduce((until, limit) => Math.max(until, limit.until), 0)
  const named = readBodyLimit(answer, error)
  const isLater = named !== undefined && named.until > latest + JITTER_MS
  const limits = isLater || windows.length === 0 ? [...windows, ...(named ? [named] : [])] : windows
  return limits.length > 0 ? { kind: 'limited', limits } : usedUp(answer)
}

function readBodyLimit(answer: Answer, error: ErrorBody): LimitRecord | undefined {
  const seconds = error.resetsInSeconds
  const until =
    resetAfter(seconds === undefined ? undefined : seconds * 1_000, answer) ??
    resetAt(error.resetsAt, answer)
  if (until === undefined) return undefined
  const scope = scopeOf(answer)
  return { scope, window: USAGE_LIMIT, until, source: 'body', observedAt: answer.sentAt }
}

/**
 * A 429 that does not speak of usage. A time that it names is believed before a full window: an
 * account with credits works on past 100 percent.
 */
function judgeTooMany(answer: Answer, error: ErrorBody): Verdict {
  if (TOO_LARGE.test(error.message)) return { kind: 'request' }
  const wait = readRetryAfter(answer.headers, answer)
  if (wait !== undefined) return tooFast(answer, wait)
  const named = readDuration(error.message, TRY_AGAIN)
  if (named !== undefined) return tooFast(answer, named, 'body')
  const limits = readUsedUpLimits(answer)
  if (limits.length > 0) return { kind: 'limited', limits }
  return tooFast(answer, readExhausted(answer.headers, REMAINING, resetName, answer))
}
