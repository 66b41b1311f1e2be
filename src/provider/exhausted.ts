import { type AnswerClock, readNumber, resetAt } from './reset.ts'
import { bounded } from './retry-after.ts'

/**
 * How long until the last of the used-up allowances of an API key is there again, from headers such
 * as `x-ratelimit-remaining-requests: 0` and `x-ratelimit-reset-requests: 6m0s`.
 *
 * @param remaining Finds the header of what is left; its first group names the allowance.
 * @param resetName The header that tells when the allowance is there again.
 * @returns Milliseconds in [0, 7 days]; undefined when nothing is said to be used up.
 */
export function readExhausted(
  headers: Headers,
  remaining: RegExp,
  resetName: (allowance: string) => string,
  clock: AnswerClock,
): number | undefined {
  const waits = [...headers].flatMap(([name, value]) => {
    const [, allowance] = remaining.exec(name) ?? []
    if (allowance === undefined || readNumber(value) !== 0) return []
    return readWait(headers.get(resetName(allowance)), clock) ?? []
  })
  return waits.length === 0 ? undefined : Math.max(...waits)
}

function readWait(reset: string | null, clock: AnswerClock): number | undefined {
  const at = resetAt(reset, clock)
  if (at !== undefined) return bounded(at - clock.receivedAt)
  return reset === null ? undefined : readDuration(reset)
}

const AMOUNT = '(\\d{1,6}(?:\\.\\d{1,9})?)\\s?'
const DURATION = `(?=\\d)(?:${AMOUNT}h)?(?:${AMOUNT}m(?!s))?(?:${AMOUNT}(ms|s))?`

/** "1.5s", "250ms", "6m0s", "1h2m3s", at the start or after `before`: milliseconds. */
export function readDuration(text: string, before = '^\\s*'): number | undefined {
  const match = new RegExp(before + DURATION, 'i').exec(text)
  if (match === null) return undefined
  const [, hours = '0', minutes = '0', rest = '0', unit = 's'] = match
  const restMs = Number(rest) * (unit.toLowerCase() === 'ms' ? 1 : 1_000)
  const ms = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + restMs
  return ms > 0 ? bounded(ms) : undefined
}
