import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storedUsage, withUsage } from '../../src/pool/cached-usage.ts'
import { createHotStates } from '../../src/pool/hot.ts'
import { evidenceOf } from '../../src/pool/usage-evidence.ts'
import { hasRolledOver, withNewerUsage } from '../../src/pool/usage-windows.ts'
import type { Usage } from '../../src/provider/provider.ts'
import { parseDocument, serializeDocument } from '../../src/store/document.ts'
import { rawAccount, rawDocument } from '../store/examples.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000

describe('a newer read of usage', () => {
  it.each([0, 2_000, -2_000, 60_000])('that moves a reset by %i ms moves no window', (by) => {
    const before = session(10, NOW + HOUR)
    const read = session(12, NOW + HOUR + by)
    expect(hasRolledOver(before, read)).toBe(false)
    expect(withNewerUsage([before], [read], NOW)).toEqual([session(12, NOW + HOUR)])
  })

  it.each([60_001, -60_001])('that moves a reset by %i ms tells of another window', (by) => {
    const before = session(90, NOW + HOUR)
    const read = session(1, NOW + HOUR + by)
    expect(hasRolledOver(before, read)).toBe(true)
    expect(withNewerUsage([before], [read], NOW)).toEqual([read])
  })

  it('keeps the windows that it does not name until their reset', () => {
    const opus = { window: 'weekly:opus', usedPercent: 5, resetsAt: NOW + 1 }
    const over = { window: 'weekly', usedPercent: 5, resetsAt: NOW }
    const endless = { window: '24h', usedPercent: 5, resetsAt: null }
    const read = session(3, NOW + HOUR)
    expect(withNewerUsage([opus, over, endless], [read], NOW)).toEqual([read, opus])
  })

  it('keeps a reset that it does not name, unless the window is empty or over', () => {
    const before = session(10, NOW + HOUR)
    expect(withNewerUsage([before], [session(11, null)], NOW)).toEqual([session(11, NOW + HOUR)])
    expect(withNewerUsage([before], [session(0, null)], NOW)).toEqual([session(0, null)])
    const later = NOW + HOUR
    expect(withNewerUsage([before], [session(11, null)], later)).toEqual([session(11, null)])
  })

  it('counts only if it names a window, and also after the clock was set back', () => {
    const hot = createHotStates()
    hot.observe('a', [session(5, null)], NOW + HOUR)
    hot.observe('a', [session(6, null)], NOW)
    hot.observe('a', [], NOW + 1)
    expect(hot.of('a')).toMatchObject({ usage: [session(6, null)], usageAt: NOW })
  })
})

describe('what a usage report proves', () => {
  it('is nothing where no window of the whole account is known', () => {
    const opus = { window: 'weekly:opus', usedPercent: 5, resetsAt: NOW + 1 }
    expect(evidenceOf(report([opus]), NOW)).toEqual({ at: NOW, usedUp: [], isFree: false })
  })

  it('is that the account is free, or until when which window is used up', () => {
    expect(evidenceOf(report([session(99, NOW + HOUR)]), NOW).isFree).toBe(true)
    expect(evidenceOf(report([session(100, NOW + HOUR)]), NOW)).toEqual({
      at: NOW,
      usedUp: [{ scope: 'account', window: 'session', until: NOW + HOUR }],
      isFree: false,
    })
  })

  it('is a limit of one family where only the window of that family is full', () => {
    const opus = { window: 'weekly:opus', usedPercent: 100, resetsAt: NOW + 1 }
    expect(evidenceOf(report([session(1, null), opus]), NOW)).toEqual({
      at: NOW,
      usedUp: [{ scope: { family: 'opus' }, window: 'weekly:opus', until: NOW + 1 }],
      isFree: true,
    })
  })

  it('is no limit without a reset, and no freedom either', () => {
    for (const reset of [null, NOW]) {
      const proof = evidenceOf(report([session(100, reset)]), NOW)
      expect(proof).toEqual({ at: NOW, usedUp: [], isFree: false })
    }
  })

  it('is what the provider says of serving, before what the windows say', () => {
    const full = [session(100, NOW + HOUR)]
    expect(evidenceOf(report(full, true), NOW)).toEqual({ at: NOW, usedUp: [], isFree: true })
    expect(evidenceOf(report([session(1, null)], false), NOW).isFree).toBe(false)
  })
})

describe('usage in the accounts file', () => {
  const names = fc.constantFrom('session', 'weekly', '24h', 'primary')
  const parts = fc.option(fc.stringMatching(/^[a-z][a-z_-]{0,9}$/), { nil: undefined })
  const usages = fc.uniqueArray(
    fc.record({
      window: fc
        .tuple(names, parts)
        .map(([name, part]) => (part === undefined ? name : `${name}:${part}`)),
      usedPercent: fc.integer({ min: 0, max: 1_000 }),
      resetsAt: fc.option(fc.integer({ min: 0, max: NOW }), { nil: null }),
    }),
    { selector: ({ window }) => window, minLength: 1 },
  )

  it('is read as it was written', () => {
    fc.assert(
      fc.property(usages, (usage) => {
        const written = withUsage(accountWith({}), { usage, usageAt: NOW }, NOW)
        const text = serializeDocument({ ...documentWith({}), accounts: [written] })
        const parsed = parseDocument(text)
        const [account] = parsed.ok ? parsed.document.accounts : []
        const read = account === undefined ? undefined : storedUsage(account, NOW)
        expect(read?.usageAt).toBe(NOW)
        expect(new Set(read?.usage)).toEqual(new Set(usage))
      }),
    )
  })

  it('has the three windows that other readers expect, in their words', () => {
    const usage = [session(12.5, NOW), { window: 'weekly:opus', usedPercent: 3, resetsAt: null }]
    expect(withUsage(accountWith({}), { usage, usageAt: NOW }, NOW)).toMatchObject({
      cachedUsage: {
        five_hour: { utilization: 12.5, resets_at: new Date(NOW).toISOString() },
        seven_day: null,
        seven_day_sonnet: null,
        seven_day_opus: { utilization: 3, resets_at: null },
      },
      cachedUsageAt: NOW,
    })
  })

  it('is replaced by what is newer, and only by that', () => {
    const known = { usage: [session(1, null)], usageAt: NOW }
    const cachedUsage = { five_hour: { utilization: 9, resets_at: null } }
    for (const [cachedUsageAt, stays] of [
      [NOW - 1, false],
      [NOW, true],
      [NOW + 1, true],
      // Somebody with another clock: it would never be replaced.
      [NOW + HOUR, false],
    ] as const) {
      const account = accountWith({ cachedUsage, cachedUsageAt })
      expect(withUsage(account, known, NOW) === account).toBe(stays)
    }
    const unknown = accountWith({ cachedUsage, cachedUsageAt: 5 })
    expect(withUsage(unknown, { usage: [], usageAt: 0 }, NOW)).toBe(unknown)
  })

  it.each([
    [{}],
    [{ cachedUsage: { five_hour: { utilization: 9, resets_at: null } } }],
    [{ cachedUsage: { five_hour: null }, cachedUsageAt: NOW + HOUR }],
    [{ cachedUsage: 'none', cachedUsageAt: NOW }],
  ])('is nothing in %j', (fields) => {
    expect(storedUsage(accountWith(fields), NOW)).toBeUndefined()
  })

  it('has no reset where the file names one that is none', () => {
    const cachedUsage = { five_hour: { utilization: 9, resets_at: 'soon' } }
    expect(storedUsage(accountWith({ cachedUsage, cachedUsageAt: NOW }), NOW)).toEqual({
      usage: [session(9, null)],
      usageAt: NOW,
    })
  })
})

function session(usedPercent: number, resetsAt: number | null): Usage {
  return { window: 'session', usedPercent, resetsAt }
}

function report(usage: readonly Usage[], isAllowed?: boolean) {
  return { usage, plan: undefined, isAllowed }
}

function documentWith(fields: object) {
  const parsed = parseDocument(rawDocument([rawAccount('a', { ...fields })]))
  if (!parsed.ok) throw new Error('not an accounts file')
  return parsed.document
}

function accountWith(fields: object) {
  const [account] = documentWith(fields).accounts
  if (account === undefined) throw new Error('not an account')
  return account
}
