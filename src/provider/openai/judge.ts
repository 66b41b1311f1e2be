import type { DisabledReason } from '../../../machines/facts.ts'
import type { LimitRecord } from '../../../machines/limits.ts'
import { cleanMessage } from '../message.ts'
import type { Answer, Verdict } from '../provider.ts'
import { isOverloaded, isSuccess, overloaded, tooFast, usedUp } from '../refusal.ts'
import { resetAfter, resetAt } from '../reset.ts'
import { bounded, readRetryAfter } from '../retry-after.ts'
import { USAGE_LIMIT } from '../windows.ts'
import { type ErrorBody, readError } from './error.ts'
import { readUsedUpLimits, scopeOf } from './limits.ts'

/** What a code says, whatever the status that it came with. */
const REFUSED: ReadonlyMap<string, DisabledReason> = new Map([
  ['deactivated_workspace', 'revoked'],
  ['account_deactivated', 'revoked'],
  ['usage_not_included', 'billing'],
  ['insufficient_quota', 'billing'],
])
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
  if (answer.status === 401) return { kind: 'unauthorized' }
  return answer.status === 429 ? judgeTooMany(answer, error) : { kind: 'request' }
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
  const wait = readRetryAfter(answer.headers, answer)
  if (wait !== undefined) return tooFast(answer, wait)
  const named = readTryAgain(error.message)
  if (named !== undefined) return tooFast(answer, named, 'body')
  const limits = readUsedUpLimits(answer)
  return limits.length > 0 ? { kind: 'limited', limits } : tooFast(answer)
}

/** "Please try again in 1.5s", "… in 250ms", "… in 6m0s", "… in 1h2m3s": milliseconds. */
function readTryAgain(message: string): number | undefined {
  const amount = '(\\d{1,6}(?:\\.\\d{1,9})?)\\s?'
  const match = new RegExp(
    `try again in\\s+(?=\\d)(?:${amount}h)?(?:${amount}m(?!s))?(?:${amount}(ms|s))?`,
    'i',
  ).exec(message)
  if (match === null) return undefined
  const [, hours = '0', minutes = '0', rest = '0', unit = 's'] = match
  const restMs = Number(rest) * (unit.toLowerCase() === 'ms' ? 1 : 1_000)
  const ms = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + restMs
  return ms > 0 ? bounded(ms) : undefined
}
