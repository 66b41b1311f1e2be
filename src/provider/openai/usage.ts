import * as v from 'valibot'
import type { Endpoints } from '../endpoints.ts'
import type { Credential, Usage, UsageQuestion, UsageReport } from '../provider.ts'
import { type AnswerClock, resetAfter, resetAt } from '../reset.ts'
import { partWindow } from '../windows.ts'
import { family } from './family.ts'
import { MAX_PERCENT, windowName } from './limits.ts'
import { accountHeaders } from './prepare.ts'

const number = v.fallback(v.nullish(v.pipe(v.number(), v.minValue(0))), undefined)
const flag = v.fallback(v.nullish(v.boolean()), undefined)
const name = v.fallback(v.nullish(v.pipe(v.string(), v.maxLength(100))), undefined)

const WindowSchema = v.object({
  used_percent: v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_PERCENT)),
  limit_window_seconds: number,
  reset_after_seconds: number,
  reset_at: v.fallback(v.nullish(v.union([v.number(), v.string()])), undefined),
})
const window = v.fallback(v.nullish(WindowSchema), undefined)

const RateLimitSchema = v.object({
  allowed: flag,
  limit_reached: flag,
  primary_window: window,
  secondary_window: window,
})
const rateLimit = v.fallback(v.nullish(RateLimitSchema), undefined)

const NamedLimitSchema = v.object({
  limit_name: name,
  metered_feature: name,
  rate_limit: rateLimit,
})

const UsageSchema = v.object({
  plan_type: v.fallback(v.nullish(v.pipe(v.string(), v.regex(/^\w[\w.-]{0,39}$/))), undefined),
  rate_limit: rateLimit,
  additional_rate_limits: v.fallback(
    v.nullish(v.array(v.fallback(v.nullish(NamedLimitSchema), undefined))),
    undefined,
  ),
})

type RateLimit = v.InferOutput<typeof rateLimit>

export function askUsage(credential: Credential, { usage }: Endpoints): UsageQuestion {
  const headers = accountHeaders(new Headers({ accept: 'application/json' }), credential)
  return { url: usage, headers }
}

/** The windows are named by their length; credits and unknown fields say nothing about them. */
export function readUsageReport(body: unknown, clock: AnswerClock): UsageReport | undefined {
  const parsed = v.safeParse(UsageSchema, body)
  if (!parsed.success) return undefined
  const { plan_type, rate_limit, additional_rate_limits } = parsed.output
  const usage = [
    ...readWindows(rate_limit, undefined, clock),
    ...(additional_rate_limits ?? []).flatMap((limit) =>
      readWindows(limit?.rate_limit, partName(limit), clock),
    ),
  ]
  const plan = plan_type ?? undefined
  if (usage.length === 0 && plan === undefined) return undefined
  return { usage, plan, isAllowed: readAllowed(rate_limit) }
}

function readWindows(limit: RateLimit, part: string | undefined, clock: AnswerClock): Usage[] {
  const slots = [
    ['primary', limit?.primary_window],
    ['secondary', limit?.secondary_window],
  ] as const
  return slots.flatMap(([slot, found]) => {
    const seconds = found?.limit_window_seconds ?? undefined
    // 0 = this window is off.
    if (found === undefined || found === null || seconds === 0) return []
    const length = windowName(seconds === undefined ? undefined : seconds / 60) ?? slot
    const after = found.reset_after_seconds ?? undefined
    const resetsAt =
      resetAfter(after === undefined ? undefined : after * 1_000, clock) ??
      resetAt(found.reset_at, clock)
    return [
      {
        window: partWindow(length, part),
        usedPercent: found.used_percent,
        resetsAt: resetsAt ?? null,
      },
    ]
  })
}

/** As the headers name it: by its model's family, else by its own name. */
function partName(
  limit: v.InferOutput<typeof NamedLimitSchema> | null | undefined,
): string | undefined {
  const feature = limit?.metered_feature
    ?.toLowerCase()
    .replaceAll('_', '-')
    .replace(/^codex-/, '')
  return family(limit?.limit_name ?? '') ?? feature ?? 'other'
}

function readAllowed(limit: RateLimit): boolean | undefined {
  if (limit?.allowed === false || limit?.limit_reached === true) return false
  return limit?.allowed ?? undefined
}
