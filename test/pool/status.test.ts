import { expect, it, onTestFinished } from 'vitest'
import { statusMarkdown } from '../../src/host/tools/status-markdown.ts'
import { findSecret } from '../canary/forms.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { openPool } from '../request/open-pool.ts'

const HOUR = 3_600_000

it('tells no secret that another program wrote into the limits and windows of the file', async () => {
  const fake = await createFakeAnthropic({ accounts: ['plain'] })
  const [token = ''] = fake.canaries()
  const until = Date.now() + HOUR
  const common = { until, source: 'header', observedAt: Date.now(), token }
  const limits = [
    { ...common, scope: 'account', window: token },
    { ...common, scope: { family: token, token }, window: `weekly:${token}` },
    { ...common, scope: { family: 'opus' }, window: 'weekly:opus' },
  ]
  const usage = { utilization: 5, resets_at: null, token }
  const cachedUsage = { five_hour: usage, seven_day_oauth_apps: usage, [token]: usage }
  const { accounts, ...document } = fake.seed()
  const pool = await openPool(
    fake,
    {},
    {
      seed: {
        ...document,
        accounts: accounts.map((account) => ({
          ...account,
          limits,
          cachedUsage,
          cachedUsageAt: Date.now(),
        })),
      },
    },
  )
  onTestFinished(async () => {
    await pool.dispose()
    await fake.close()
  })

  const status = pool.status()
  const { text } = statusMarkdown('Claude', status, Date.now())
  expect(findSecret(JSON.stringify([status, text, pool.news, pool.said]))).toBe(undefined)
  const [shown] = status.accounts
  expect(shown?.why).toBe('its other window is used up')
  expect(shown?.limits.map(({ scope, window }) => [scope, window])).toEqual([
    ['account', 'other'],
    [{ family: 'other' }, 'weekly:other'],
    [{ family: 'opus' }, 'weekly:opus'],
  ])
  expect(shown?.usage.map(({ window }) => window)).toEqual([
    'session',
    'weekly:oauth_apps',
    'other',
  ])
})
