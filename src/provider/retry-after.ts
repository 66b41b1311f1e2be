import { type AnswerClock, readNumber } from './reset.ts'

/** What a refusal may ask for at most: seven days. */
export const MAX_RETRY_AFTER_MS = 7 * 24 * 3_600_000
/** More than a year is a broken header, not a wish. */
const ABSURD_MS = 366 * 24 * 3_600_000

/**
 * How long the provider asks to wait: `retry-after-ms`, else `retry-after` (seconds or an HTTP
 * date). Source: RFC 9110 §10.2.3.
 *
 * @returns Milliseconds in [0, 7 days]; undefined when nothing usable was said.
 */
export function readRetryAfter(headers: Headers, clock: AnswerClock): number | undefined {
  const ms = readNumber(headers.get('retry-after-ms'))
  const named = bounded(ms) ?? bounded(readSeconds(headers.get('retry-after')))
  return named ?? bounded(untilDate(headers.get('retry-after'), clock))
}

/** Keeps a wait within what a refusal may ask for; undefined when it is absurd. */
export function bounded(ms: number | undefined): number | undefined {
  if (ms === undefined || !(ms >= 0) || ms > ABSURD_MS) return undefined
  return Math.min(Math.ceil(ms), MAX_RETRY_AFTER_MS)
}

function readSeconds(value: string | null): number | undefined {
  const seconds = readNumber(value)
  return seconds === undefined ? undefined : seconds * 1_000
}

/** Only the look of an HTTP date is let through: `Date.parse` makes a date of "-5" as well. */
function untilDate(value: string | null, clock: AnswerClock): number | undefined {
  if (value === null || !/^\s*[a-z]{3,9},? .*\d{2}:\d{2}:\d{2}/i.test(value)) return undefined
  const time = Date.parse(value)
  if (Number.isNaN(time)) return undefined
  return Math.max(0, time - clock.skewMs - clock.receivedAt)
}
