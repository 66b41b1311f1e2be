import * as v from 'valibot'
import type { LimitRecord } from '../../../machines/limits.ts'
import { parseJson } from '../json.ts'
import { readExhausted } from '../exhausted.ts'
import { cleanMessage } from '../message.ts'
import type { Answer, Verdict } from '../provider.ts'
import { isOverloaded, isSuccess, overloaded, tooFast, usedUp } from '../refusal.ts'
import { resetAt } from '../reset.ts'
import { readRetryAfter } from '../retry-after.ts'
import { UNIFIED, USAGE_LIMIT } from '../windows.ts'
import { family } from './family.ts'
import { isOutOfCredits, isRejected, readRejectedLimits } from './limits.ts'

/** A 429 with one of these is about what the request asks for, not about how much was used. */
const REQUEST_MESSAGE =
  /(?:usage credits|extra usage) (?:are|is) required for (?:long context|fast mode)/i
/** It comes as a 400 `invalid_request_error`. */
const UNPAID_MESSAGE = /credit balance is too low/i
/** What the API says of a key's allowances per minute. */
const REMAINING = /^anthropic-ratelimit-(requests|tokens|input-tokens|output-tokens)-remaining$/
const resetName = (allowance: string) => `anthropic-ratelimit-${allowance}-reset`
const REVOKED_MESSAGE = /\brevoked\b/i
const ORGANIZATION_MESSAGE = /oauth authentication is currently not allowed for this organization/i
/** It comes as a 400 `invalid_request_error`. */
const DISABLED_MESSAGE = /^this organization has been disabled/i
/** What the owner of an organization lets it spend is spent; a 400 `invalid_request_error` as well. */
const SPENT_MESSAGE = /^you have reached your specified .{0,40}usage limits/i
const REGAINED = /regain access on (\d{4}-\d{2}-\d{2}) at (\d{2}:\d{2}) UTC/i

/** What an answer of Anthropic means for the account. One row of `docs/providers.md` each. */
export function judge(answer: Answer): Verdict {
  const { status } = answer
  if (isSuccess(status)) return { kind: 'ok' }
  if (isOverloaded(status)) return overloaded(answer)
  if (status === 401) return answer.isApiKey ? keyRefused(answer) : { kind: 'unauthorized' }
  const unpaid = answer.isApiKey ? judgeUnpaid(answer) : undefined
  if (unpaid !== undefined) return unpaid
  const stopped = status === 400 ? judgeStopped(answer) : undefined
  if (stopped !== undefined) return stopped
  const forbidden = status === 403 ? judgeForbidden(answer) : undefined
  if (forbidden !== undefined) return forbidden
  if (status === 429 || (isClientError(status) && isRejected(answer))) return judgeLimit(answer)
  return { kind: 'request' }
}

/** Nothing renews a key: the same one will be refused again. Unless it was a proxy that refused. */
function keyRefused(answer: Answer): Verdict {
  const error = readError(answer)
  if (error === undefined) return { kind: 'request' }
  return { kind: 'refused', reason: 'auth', detail: cleanMessage(error.message) }
}

function judgeUnpaid(answer: Answer): Verdict | undefined {
  const error = readError(answer)
  if (error === undefined) return undefined
  const isUnpaid = error.type === 'billing_error' || UNPAID_MESSAGE.test(error.message)
  if (!isUnpaid) return undefined
  return { kind: 'refused', reason: 'billing', detail: cleanMessage(error.message) }
}

/** Some refusals of the account come as if the request were at fault. */
function judgeStopped(answer: Answer): Verdict | undefined {
  const message = readError(answer)?.message ?? ''
  if (DISABLED_MESSAGE.test(message)) {
    return { kind: 'refused', reason: 'organization', detail: cleanMessage(message) }
  }
  if (!SPENT_MESSAGE.test(message)) return undefined
  const [, day, time] = REGAINED.exec(message) ?? []
  const until = day === undefined ? undefined : resetAt(`${day}T${time}:00Z`, answer)
  if (until === undefined) return usedUp(answer)
  const limit = { scope: 'account', window: USAGE_LIMIT, until, source: 'body' } as const
  return { kind: 'limited', limits: [{ ...limit, observedAt: answer.sentAt }] }
}

/** Only a JSON body counts: a proxy's page may hold any word. */
function judgeForbidden(answer: Answer): Verdict | undefined {
  const error = readError(answer)
  if (error === undefined) return undefined
  const detail = cleanMessage(error.message)
  if (ORGANIZATION_MESSAGE.test(error.message)) {
    return { kind: 'refused', reason: 'organization', detail }
  }
  if (error.type !== 'permission_error' || !REVOKED_MESSAGE.test(error.message)) return undefined
  return { kind: 'refused', reason: 'revoked', detail }
}

function judgeLimit(answer: Answer): Verdict {
  const message = readError(answer)?.message ?? ''
  if (REQUEST_MESSAGE.test(message)) return { kind: 'request' }
  const limits = readRejectedLimits(answer)
  const explaining = limits.filter((limit) => explains(limit, answer.model))
  const isWindow = explaining.some((limit) => limit.window !== UNIFIED)
  if (!isWindow && isOutOfCredits(answer)) {
    const detail = cleanMessage(message) || 'The extra usage of this account is out of credits.'
    return { kind: 'refused', reason: 'billing', detail }
  }
  if (explaining.length > 0) return { kind: 'limited', limits }
  if (isRejected(answer)) return usedUp(answer)
  // A key's `retry-after` is when it may ask again; its resets are when the allowance is whole.
  const wait = readRetryAfter(answer.headers, answer)
  return tooFast(answer, wait ?? readExhausted(answer.headers, REMAINING, resetName, answer))
}

/**
 * Whether a limit accounts for this refusal. One of another family does not: benching that family
 * would leave the account in place for the very request that it has just refused.
 */
function explains(limit: LimitRecord, model: string | undefined): boolean {
  if (limit.scope === 'account' || model === undefined) return true
  return limit.scope.family === family(model)
}

function isClientError(status: number): boolean {
  return status >= 400 && status < 500
}

const ErrorSchema = v.object({
  error: v.object({ type: v.fallback(v.string(), ''), message: v.fallback(v.string(), '') }),
})

function readError({
  body,
}: Answer): { readonly type: string; readonly message: string } | undefined {
  const parsed = v.safeParse(ErrorSchema, body === undefined ? undefined : parseJson(body))
  return parsed.success ? parsed.output.error : undefined
}
