/** The clocks of one answer: when it came, and how far the server's clock is ahead. */
export interface AnswerClock {
  /** Epoch ms, local clock. */
  readonly receivedAt: number
  /** Server clock minus local clock, ms. */
  readonly skewMs: number
}

/** The longest window known is a month; a reset further away is no evidence. */
const MAX_RESET_MS = 35 * 24 * 3_600_000
/** 2020-01-01: an earlier reset is a placeholder such as 0, not a time. */
const FIRST_SANE_RESET = 1_577_836_800_000
/** Epoch seconds stay below this until the year 5138; epoch ms have been above since 1973. */
const FIRST_MILLISECONDS = 100_000_000_000

/**
 * When a window ends, from an absolute time of the server: epoch seconds, epoch ms or ISO 8601.
 *
 * @returns Epoch ms on the local clock, never before `receivedAt` (a reset in the past means now);
 * undefined when the value says nothing.
 */
export function resetAt(
  value: string | number | null | undefined,
  clock: AnswerClock,
): number | undefined {
  const serverTime = readTime(value)
  if (serverTime === undefined || serverTime < FIRST_SANE_RESET) return undefined
  return resetAfter(Math.max(0, serverTime - clock.skewMs - clock.receivedAt), clock)
}

/** When a window ends that has `ms` left. Undefined when the value says nothing. */
export function resetAfter(ms: number | undefined, clock: AnswerClock): number | undefined {
  if (ms === undefined || !(ms >= 0) || ms > MAX_RESET_MS) return undefined
  return clock.receivedAt + Math.ceil(ms)
}

/** A number without a sign; undefined for anything else, so for NaN, "1e99" and "-1" too. */
export function readNumber(value: string | number | null | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined
  const text = value?.trim() ?? ''
  return /^\d{1,15}(?:\.\d{1,20})?(?:e-\d{1,2})?$/i.test(text) ? Number(text) : undefined
}

function readTime(value: string | number | null | undefined): number | undefined {
  const number = readNumber(value)
  if (number !== undefined) return number < FIRST_MILLISECONDS ? number * 1_000 : number
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}T/.test(value.trim())) return undefined
  const time = Date.parse(value.trim())
  return Number.isNaN(time) ? undefined : time
}
