import { describe, expect, it } from 'vitest'
import { openai } from '../../../src/provider/openai/adapter.ts'
import { askUsage, readUsageReport } from '../../../src/provider/openai/usage.ts'
import { DAY, HOUR, NOW } from '../answer.ts'
import { CREDENTIAL } from '../request.ts'

const WEEKLY = { used_percent: 20, limit_window_seconds: 604_800, reset_at: (NOW + DAY) / 1_000 }
const SESSION = { used_percent: 7, limit_window_seconds: 18_000, reset_at: (NOW + HOUR) / 1_000 }

describe('the question for the usage of an OpenAI account', () => {
  it('goes to the usage endpoint with the token and the id of the account', () => {
    const { url, headers } = askUsage(CREDENTIAL, openai.endpoints)
    expect(url).toBe('https://chatgpt.com/backend-api/wham/usage')
    expect(Object.fromEntries(headers)).toEqual({
      accept: 'application/json',
      authorization: 'Bearer access-1',
      'chatgpt-account-id': 'account-1',
      originator: 'opencode',
      'user-agent': 'opencode/1.18.33',
    })
  })

  it('names no account whose id is not known', () => {
    const { headers } = askUsage({ ...CREDENTIAL, accountId: undefined }, openai.endpoints)
    expect(headers.has('chatgpt-account-id')).toBe(false)
  })
})

describe('the usage that OpenAI reports', () => {
  it('is classified by the length of a window, not by its slot', () => {
    expect(windows({ primary_window: WEEKLY, secondary_window: SESSION })).toEqual([
      { window: 'weekly', usedPercent: 20, resetsAt: NOW + DAY },
      { window: 'session', usedPercent: 7, resetsAt: NOW + HOUR },
    ])
  })

  it.each([
    [21_600, 'session'],
    [518_400, 'weekly'],
    [2_592_000, 'weekly'],
    [86_400, '24h'],
    [undefined, 'primary'],
    [-1, 'primary'],
  ])('calls a window of %s seconds %s', (limit_window_seconds, window) => {
    expect(windows({ primary_window: { used_percent: 1, limit_window_seconds } })).toEqual([
      { window, usedPercent: 1, resetsAt: null },
    ])
  })

  it('has no window that is off or null', () => {
    const off = { used_percent: 0, limit_window_seconds: 0 }
    expect(windows({ primary_window: off, secondary_window: null })).toBeUndefined()
  })

  it('takes the remaining time before the absolute one: no clock is in between', () => {
    const window = { ...SESSION, reset_after_seconds: 60, reset_at: (NOW + 9 * HOUR) / 1_000 }
    expect(windows({ primary_window: window })?.[0]?.resetsAt).toBe(NOW + 60_000)
  })

  it.each([NOW + HOUR, new Date(NOW + HOUR).toISOString()])('reads the reset %s', (reset_at) => {
    expect(windows({ primary_window: { ...SESSION, reset_at } })?.[0]?.resetsAt).toBe(NOW + HOUR)
  })

  it('corrects an absolute reset by the clock of the server', () => {
    const body = { rate_limit: { primary_window: SESSION } }
    const read = readUsageReport(body, { receivedAt: NOW, skewMs: HOUR / 2 })
    expect(read?.usage[0]?.resetsAt).toBe(NOW + HOUR / 2)
  })

  it.each([
    [{ allowed: true, limit_reached: false }, true],
    [{ allowed: false, limit_reached: true }, false],
    [{ allowed: true, limit_reached: true }, false],
    [{ allowed: false }, false],
    [{ allowed: 'yes' }, undefined],
    [{}, undefined],
  ])('says of %j whether the account is served: %s', (said, isAllowed) => {
    const body = { rate_limit: { ...said, primary_window: SESSION } }
    expect(readUsageReport(body, CLOCK)).toMatchObject({ isAllowed })
  })

  it('names the plan', () => {
    expect(readUsageReport({ plan_type: 'plus', rate_limit: null }, CLOCK)).toEqual({
      usage: [],
      plan: 'plus',
      isAllowed: undefined,
    })
  })

  it.each([7, '', ' plus', 'a\nb', 'x'.repeat(41)])('does not hold a plan of %j', (plan_type) => {
    const body = { plan_type, rate_limit: { primary_window: SESSION } }
    expect(readUsageReport(body, CLOCK)?.plan).toBeUndefined()
  })

  it('holds additional limits by the family of their model, or by their own name', () => {
    const rate_limit = { allowed: false, limit_reached: true, primary_window: SESSION }
    const body = {
      rate_limit: { allowed: true, secondary_window: WEEKLY },
      additional_rate_limits: [
        { limit_name: 'GPT-5.3-Codex-Spark', metered_feature: 'codex_bengalfox', rate_limit },
        { limit_name: 'Code review', metered_feature: 'code_review', rate_limit },
        { rate_limit },
        { limit_name: 'off', rate_limit: null },
        null,
        'odd',
      ],
    }
    const read = readUsageReport(body, CLOCK)
    expect(read?.usage.map(({ window }) => window)).toEqual([
      'weekly',
      'session:spark',
      'session:code-review',
      'session:other',
    ])
    expect(read?.isAllowed).toBe(true)
  })

  it('never counts credits, and tolerates fields that nobody knows yet', () => {
    const body = {
      rate_limit: { primary_window: { ...SESSION, surprise: 1 }, tertiary_window: WEEKLY },
      credits: { has_credits: false, unlimited: false, balance: '0' },
      additional_rate_limits: 'none',
      promo: {},
    }
    expect(readUsageReport(body, CLOCK)).toMatchObject({
      usage: [{ window: 'session', usedPercent: 7 }],
      isAllowed: undefined,
    })
  })

  it.each([-1, 1_001, '50', null, undefined, Number.NaN])(
    'does not hold a percentage of %j, and keeps the other window',
    (used_percent) => {
      const read = windows({
        primary_window: { ...SESSION, used_percent },
        secondary_window: WEEKLY,
      })
      expect(read?.map(({ window }) => window)).toEqual(['weekly'])
    },
  )

  it.each([undefined, null, 'usage', 7, [], {}, { detail: 'Unauthorized' }, { rate_limit: 7 }])(
    'is nothing where the answer is %j',
    (body) => {
      expect(readUsageReport(body, CLOCK)).toBeUndefined()
    },
  )
})

const CLOCK = { receivedAt: NOW, skewMs: 0 }

function windows(rate_limit: unknown) {
  return readUsageReport({ rate_limit }, CLOCK)?.usage
}
