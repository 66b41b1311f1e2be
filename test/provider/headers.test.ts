import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { openai } from '../../src/provider/openai/adapter.ts'
import { DAY, NOW, answer } from './answer.ts'

const NAMES = [
  'anthropic-ratelimit-unified-status',
  'anthropic-ratelimit-unified-reset',
  'anthropic-ratelimit-unified-representative-claim',
  'anthropic-ratelimit-unified-overage-disabled-reason',
  'anthropic-ratelimit-unified-5h-status',
  'anthropic-ratelimit-unified-5h-reset',
  'anthropic-ratelimit-unified-5h-utilization',
  'anthropic-ratelimit-unified-7d_oi-status',
  'anthropic-ratelimit-unified-7d_oi-reset',
  'anthropic-ratelimit-unified-grace-5h-utilization',
  'x-codex-primary-used-percent',
  'x-codex-primary-window-minutes',
  'x-codex-primary-reset-after-seconds',
  'x-codex-secondary-used-percent',
  'x-codex-secondary-reset-at',
  'x-codex-bengalfox-primary-used-percent',
  'x-codex-bengalfox-limit-name',
  'x-codex-active-limit',
  'retry-after',
]

const VALUES = fc.oneof(
  fc.constantFrom('rejected', 'allowed', 'blocked', 'queueing_hard', 'five_hour', 'seven_day_opus'),
  fc.constantFrom('out_of_credits', 'codex_bengalfox', 'premium', 'NaN', '-1', 'null', '', '{}'),
  fc.double().map(String),
  fc.integer({ min: -1e12, max: 1e14 }).map(String),
  fc.integer({ min: NOW - DAY, max: NOW + 8 * DAY }).map((ms) => String(ms / 1_000)),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
)

const BODIES = fc.oneof(
  fc.constant(undefined),
  fc.string(),
  fc.json(),
  fc.record({ error: fc.anything() }).map((body) => JSON.stringify(body, bigIntAsText)),
  fc
    .record({
      error: fc.record({
        type: fc.constantFrom('usage_limit_reached', 'permission_error', 'rate_limit_error'),
        message: fc.oneof(fc.string(), fc.constant('try again in 1.5s'), fc.constant('revoked')),
        resets_at: fc.oneof(fc.double(), fc.string()),
        resets_in_seconds: fc.double(),
      }),
    })
    .map((body) => JSON.stringify(body)),
)

describe('any answer', () => {
  it('is read without an exception, and every time in it is finite and not in the past', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...NAMES), VALUES),
        fc.constantFrom(200, 400, 401, 403, 404, 413, 422, 429, 500, 503, 529, 302, 418),
        BODIES,
        fc.constantFrom(undefined, 'claude-opus-4-5', 'gpt-5.3-codex-spark', ''),
        (headers, status, body, model) => {
          const told = answer(status, { headers, ...(model === undefined ? {} : { model }), body })
          for (const provider of [anthropic, openai]) {
            const verdict = provider.judge(told)
            expect(verdict).not.toMatchObject({ kind: 'limited', limits: [] })
            const limits = verdict.kind === 'limited' ? verdict.limits : []
            for (const limit of limits) expectSane(limit.until)
            for (const usage of provider.readUsage(told)) {
              expect(usage.usedPercent).toBeGreaterThanOrEqual(0)
              expect(usage.usedPercent).toBeLessThanOrEqual(1_000)
              if (usage.resetsAt !== null) expectSane(usage.resetsAt)
            }
          }
        },
      ),
      { numRuns: 10_000 },
    )
  })
})

function expectSane(time: number): void {
  expect(Number.isInteger(time)).toBe(true)
  expect(time).toBeGreaterThanOrEqual(NOW)
  expect(time).toBeLessThanOrEqual(NOW + 35 * DAY)
}

function bigIntAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
