import { describe, expect, it } from 'vitest'
import { readUsage } from '../../../src/provider/anthropic/limits.ts'
import { DAY, HOUR, NOW, answer, secondsIn } from '../answer.ts'

const PREFIX = 'anthropic-ratelimit-unified-'

describe('the usage in an answer of Anthropic', () => {
  it('is a percentage for each window, from a 200 as from a 429', () => {
    const headers = {
      [`${PREFIX}status`]: 'allowed',
      [`${PREFIX}5h-utilization`]: '0.07',
      [`${PREFIX}5h-reset`]: secondsIn(HOUR),
      [`${PREFIX}7d-utilization`]: '1.02',
      [`${PREFIX}7d-reset`]: secondsIn(DAY),
      [`${PREFIX}7d_sonnet-utilization`]: '0.8400000000000001',
      [`${PREFIX}7d_oi-utilization`]: '0.5',
    }
    const usage = [
      { window: 'session', usedPercent: 7, resetsAt: NOW + HOUR },
      { window: 'weekly', usedPercent: 102, resetsAt: NOW + DAY },
      { window: 'weekly:oi', usedPercent: 50, resetsAt: null },
      { window: 'weekly:sonnet', usedPercent: 84, resetsAt: null },
    ]
    for (const status of [200, 429]) {
      const read = readUsage(answer(status, { headers }))
      expect(read.toSorted((a, b) => a.window.localeCompare(b.window))).toEqual(usage)
    }
  })

  it.each(['NaN', '-0.1', 'lots', '', '42'])('does not hold a utilization of %j', (value) => {
    const headers = { [`${PREFIX}5h-utilization`]: value, [`${PREFIX}5h-status`]: 'allowed' }
    expect(readUsage(answer(200, { headers }))).toEqual([])
  })

  it('does not hold overage, grace and other things that are no window', () => {
    const headers = {
      [`${PREFIX}overage-utilization`]: '0.4',
      [`${PREFIX}grace-5h-utilization`]: '0.4',
      [`${PREFIX}30d-utilization`]: '0.4',
    }
    expect(readUsage(answer(200, { headers }))).toEqual([])
  })
})
