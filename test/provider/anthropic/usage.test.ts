import { describe, expect, it } from 'vitest'
import { anthropic } from '../../../src/provider/anthropic/adapter.ts'
import { askUsage, readUsageReport } from '../../../src/provider/anthropic/usage.ts'
import { DAY, HOUR, NOW } from '../answer.ts'
import { CREDENTIAL } from '../request.ts'

const IN_AN_HOUR = new Date(NOW + HOUR).toISOString()

describe('the question for the usage of an Anthropic account', () => {
  it('goes to the usage endpoint with the token of the account and the OAuth beta', () => {
    const { url, headers } = askUsage(CREDENTIAL, anthropic.endpoints)
    expect(url).toBe('https://api.anthropic.com/api/oauth/usage')
    expect(Object.fromEntries(headers)).toEqual({
      accept: 'application/json',
      'anthropic-beta': 'oauth-2025-04-20',
      authorization: 'Bearer access-1',
      'user-agent': 'claude-cli/2.1.2 (external, cli)',
    })
  })

  it('goes where the configuration redirects it', () => {
    const endpoints = { ...anthropic.endpoints, usage: 'http://127.0.0.1:9/usage' }
    expect(askUsage(CREDENTIAL, endpoints).url).toBe('http://127.0.0.1:9/usage')
  })
})

describe('the usage that Anthropic reports', () => {
  it('is a percentage already: 0.5 is half a percent', () => {
    expect(windows({ five_hour: { utilization: 0.5, resets_at: IN_AN_HOUR } })).toEqual([
      { window: 'session', usedPercent: 0.5, resetsAt: NOW + HOUR },
    ])
  })

  it('holds the account-wide windows and those of model families by their own names', () => {
    const window = { utilization: 7, resets_at: IN_AN_HOUR }
    const body = {
      five_hour: window,
      seven_day: window,
      seven_day_opus: window,
      seven_day_sonnet: window,
      seven_day_oauth_apps: window,
      seven_day_overage_included: window,
    }
    expect(windows(body)?.map(({ window: name }) => name)).toEqual([
      'session',
      'weekly',
      'weekly:opus',
      'weekly:sonnet',
      'weekly:oauth_apps',
      'weekly:oi',
    ])
  })

  it('has no window where the provider says null', () => {
    const body = { five_hour: { utilization: 1, resets_at: null }, seven_day: null }
    expect(windows(body)).toEqual([{ window: 'session', usedPercent: 1, resetsAt: null }])
  })

  it.each(['2027-01-15T09:00:00.943648+00:00', '2027-01-15T10:00:00.943648+01:00'])(
    'reads the reset %s',
    (resets_at) => {
      const [read] = windows({ five_hour: { utilization: 1, resets_at } }) ?? []
      expect(read?.resetsAt).toBe(Date.UTC(2027, 0, 15, 9) + 943)
    },
  )

  it('is corrected by the clock of the server', () => {
    const body = { five_hour: { utilization: 1, resets_at: IN_AN_HOUR } }
    const read = readUsageReport(body, { receivedAt: NOW, skewMs: HOUR / 2 })
    expect(read?.usage[0]?.resetsAt).toBe(NOW + HOUR / 2)
  })

  it('never counts extra usage, whatever it says', () => {
    const extra_usage = { is_enabled: true, monthly_limit: 1, utilization: 100, resets_at: null }
    const body = { five_hour: { utilization: 1, resets_at: IN_AN_HOUR }, extra_usage }
    expect(windows(body)?.map(({ window }) => window)).toEqual(['session'])
    expect(readUsageReport(body, CLOCK)?.isAllowed).toBeUndefined()
    expect(windows({ extra_usage })).toBeUndefined()
  })

  it('tolerates fields and windows that nobody knows yet', () => {
    const body = {
      five_hour: { utilization: 1, resets_at: IN_AN_HOUR, surprise: [] },
      thirty_day: { utilization: 100, resets_at: IN_AN_HOUR },
      iguana_necktie: null,
    }
    expect(windows(body)?.map(({ window }) => window)).toEqual(['session'])
  })

  it.each([-1, 1_001, '50', null, undefined, Number.NaN, {}])(
    'does not hold a utilization of %j, and keeps the other window',
    (utilization) => {
      const body = {
        five_hour: { utilization, resets_at: IN_AN_HOUR },
        seven_day: { utilization: 3, resets_at: new Date(NOW + DAY).toISOString() },
      }
      expect(windows(body)).toEqual([{ window: 'weekly', usedPercent: 3, resetsAt: NOW + DAY }])
    },
  )

  it.each(['soon', '', 7, '1970-01-01T00:00:00Z', '2999-01-01T00:00:00Z', {}])(
    'does not hold a reset of %j',
    (resets_at) => {
      expect(windows({ five_hour: { utilization: 3, resets_at } })).toEqual([
        { window: 'session', usedPercent: 3, resetsAt: null },
      ])
    },
  )

  it.each([undefined, null, 'usage', 7, [], {}, { error: { type: 'rate_limit_error' } }])(
    'is nothing where the answer is %j',
    (body) => {
      expect(readUsageReport(body, CLOCK)).toBeUndefined()
    },
  )
})

const CLOCK = { receivedAt: NOW, skewMs: 0 }

function windows(body: unknown) {
  return readUsageReport(body, CLOCK)?.usage
}
