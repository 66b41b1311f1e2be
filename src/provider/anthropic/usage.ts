import * as v from 'valibot'
import type { Endpoints } from '../endpoints.ts'
import { signedHeaders } from '../headers.ts'
import type { Credential, Usage, UsageQuestion, UsageReport } from '../provider.ts'
import { type AnswerClock, resetAt } from '../reset.ts'
import { partWindow } from '../windows.ts'
import { readWindowName } from './limits.ts'
import { OAUTH_BETA, USER_AGENT } from './prepare.ts'

/** More than ten times the allowance is no percentage. */
const MAX_PERCENT = 1_000

/** Percent, not a fraction as in the headers. */
const WindowSchema = v.object({
  utilization: v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_PERCENT)),
  resets_at: v.fallback(v.nullish(v.string()), null),
})

export function askUsage({ accessToken }: Credential, { usage }: Endpoints): UsageQuestion {
  const headers = signedHeaders(new Headers({ accept: 'application/json' }), accessToken)
  headers.set('anthropic-beta', OAUTH_BETA)
  headers.set('user-agent', USER_AGENT)
  return { url: usage, headers }
}

/**
 * Each field that is named like a window is one. Nothing else is: `extra_usage` has no reset and
 * says what may be bought, not what is left.
 */
export function readUsageReport(body: unknown, clock: AnswerClock): UsageReport | undefined {
  const fields = v.safeParse(v.record(v.string(), v.unknown()), body)
  if (!fields.success) return undefined
  const usage = Object.entries(fields.output).flatMap(([name, value]) =>
    toUsage(name, value, clock),
  )
  return usage.length === 0 ? undefined : { usage, plan: undefined, isAllowed: undefined }
}

function toUsage(name: string, value: unknown, clock: AnswerClock): Usage[] {
  const window = readWindowName(name)
  const parsed = v.safeParse(WindowSchema, value)
  if (window === undefined || !parsed.success) return []
  const { utilization, resets_at } = parsed.output
  return [
    {
      window: partWindow(window.length, window.part),
      usedPercent: utilization,
      resetsAt: resetAt(resets_at, clock) ?? null,
    },
  ]
}
