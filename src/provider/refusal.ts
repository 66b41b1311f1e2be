import type { LimitSource } from '../../machines/limits.ts'
import type { Answer, Verdict } from './provider.ts'
import { readRetryAfter } from './retry-after.ts'
import { RETRY_AFTER } from './windows.ts'

/** A wait of up to this is a burst, to be waited out on the same account (it keeps the cache). */
const BURST_MS = 5_000

/** The provider, or something on the way to it, is in trouble; 52x are Cloudflare's. */
const OVERLOADED = new Set([408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529])

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

export function isOverloaded(status: number): boolean {
  return OVERLOADED.has(status)
}

export function overloaded(answer: Answer): Verdict {
  return { kind: 'overloaded', retryAfterMs: readRetryAfter(answer.headers, answer) }
}

/** The provider says that something is used up, and names no time that can be used. */
export function usedUp(answer: Answer): Verdict {
  const verdict = tooFast(answer)
  return verdict.kind === 'burst' ? { ...verdict, usedUp: true } : verdict
}

/** A refusal that names no window: a burst when the named wait is short, else a bench. */
export function tooFast(
  answer: Answer,
  waitMs: number | undefined = readRetryAfter(answer.headers, answer),
  source: LimitSource = 'header',
): Verdict {
  if (waitMs === undefined || waitMs <= BURST_MS) return { kind: 'burst', retryAfterMs: waitMs }
  const limit = {
    scope: 'account',
    window: RETRY_AFTER,
    until: answer.receivedAt + waitMs,
    source,
    observedAt: answer.sentAt,
  } as const
  return { kind: 'limited', limits: [limit] }
}
