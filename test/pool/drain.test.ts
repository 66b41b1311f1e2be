import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AccountState } from '../../machines/account.ts'
import { newFacts } from '../../machines/facts.ts'
import type { AccountView } from '../../machines/view.ts'
import { drainScore, leavingMargin } from '../../src/pool/select/drain-score.ts'
import { selectAccount } from '../../src/pool/select/select.ts'
import type { HotState, SelectionInput } from '../../src/pool/select/selection.ts'
import type { Usage } from '../../src/provider/provider.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000
const IDLE: HotState = {
  inFlight: 0,
  lastUsedAt: 0,
  probing: false,
  foreignLoad: 0,
  usage: [],
  usageAt: 0,
}

describe('the drain score', () => {
  it('is 50 on pace, and where nothing is known', () => {
    expect(drainScore([], NOW)).toBe(50)
    expect(drainScore([weekly(50, 84)], NOW)).toBe(50)
    expect(drainScore([weekly(0, 168), session(0, 5)], NOW)).toBe(50)
    // A window that was reset, or that has not begun, begins with its next use.
    expect(drainScore([weekly(90, -1)], NOW)).toBe(50)
    expect(drainScore([{ ...weekly(0, 1), resetsAt: null }], NOW)).toBe(50)
  })

  it('weighs unused percent against percent of time, a week three times a session', () => {
    // 100 · 80 / (80 + 50) for the week; the unknown session counts 50.
    expect(drainScore([weekly(20, 84)], NOW)).toBeCloseTo(0.75 * (8_000 / 130) + 0.25 * 50)
    expect(drainScore([session(20, 2.5)], NOW)).toBeCloseTo(0.25 * (8_000 / 130) + 0.75 * 50)
    expect(drainScore([weekly(100, 84), session(100, 2)], NOW)).toBe(0)
  })

  it('counts the windows of the whole account only', () => {
    expect(drainScore([{ ...weekly(100, 1), window: 'weekly:opus' }], NOW)).toBe(50)
  })

  it('never ranks a sooner reset with the same rest lower, nor a larger rest at the same time', () => {
    const week = fc.record({ used: fc.integer({ min: -5, max: 130 }), hours: hoursUpTo(200) })
    const day = fc.record({ used: fc.integer({ min: -5, max: 130 }), hours: hoursUpTo(6) })
    fc.assert(
      fc.property(
        week,
        day,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (long, short, share) => {
          const usage = (longer: typeof long, shorter: typeof short) =>
            drainScore(
              [weekly(longer.used, longer.hours), session(shorter.used, shorter.hours)],
              NOW,
            )
          const score = usage(long, short)
          expect(score).toBeGreaterThanOrEqual(0)
          expect(score).toBeLessThanOrEqual(100)
          const sooner = (window: typeof long) => ({ ...window, hours: window.hours * share })
          const fuller = (window: typeof long) => ({ ...window, used: window.used - 10 * share })
          for (const change of [sooner, fuller]) {
            // Rounding of the last digit aside.
            expect(usage(change(long), short)).toBeGreaterThanOrEqual(score - 1e-9)
            expect(usage(long, change(short))).toBeGreaterThanOrEqual(score - 1e-9)
          }
        },
      ),
    )
  })
})

describe('drain', () => {
  it('begins where the most would be wasted: much left and a reset soon', () => {
    const hot = { a: [weekly(10, 120)], b: [weekly(60, 12)], c: [weekly(99, 1)] }
    expect(select({}, hot)).toMatchObject({ id: 'b', reason: 'most-wasted', settles: true })
  })

  it('takes an unknown account before one that is ahead of its pace, and after one behind', () => {
    expect(select({}, { a: [weekly(90, 80)], b: [weekly(80, 80)] })).toMatchObject({ id: 'c' })
    expect(select({}, { a: [weekly(20, 80)] })).toMatchObject({ id: 'a' })
  })

  it('chooses as sticky does where nobody would waste more than others', () => {
    expect(select({ active: 'b' })).toMatchObject({ id: 'b', reason: 'active' })
    expect(select({})).toMatchObject({ id: 'a', reason: 'first-free' })
  })

  it('spreads new conversations over accounts that would waste almost the same', () => {
    const hot = { a: [weekly(10, 84)], b: [weekly(12, 84)], c: [weekly(80, 84)] }
    expect(select({}, hot)).toMatchObject({ id: 'a' })
    expect(select({}, hot, { a: { inFlight: 1 } })).toMatchObject({ id: 'b' })
    expect(select({}, hot, { a: { foreignLoad: 1 } })).toMatchObject({ id: 'b' })
  })

  it('keeps a conversation with its cached prompt unless the gain is clearly larger', () => {
    // 100 · 60 / (60 + 60) is 50, times 0.75; the neighbour's week scores more by the gain.
    const rest = [weekly(40, 100.8)]
    const better = (points: number) => {
      const score = 50 + points / 0.75
      // From 100 · u / (u + 60) = score.
      const unused = (60 * score) / (100 - score)
      return { a: rest, b: [weekly(100 - unused, 100.8)], c: rest }
    }
    const warm = { home: 'a', homeServedAt: NOW }
    expect(select(warm, better(9))).toMatchObject({ id: 'a', reason: 'home' })
    const cold = { home: 'a', homeServedAt: NOW - HOUR }
    expect(select(cold, better(4.9))).toMatchObject({ id: 'a', reason: 'home' })
    expect(select(cold, better(5.1))).toMatchObject({ id: 'b', reason: 'most-wasted' })
    expect(select(warm, { a: [weekly(90, 84)], b: [weekly(0, 24)] })).toMatchObject({ id: 'b' })
  })

  it('does not leave a home because it is at work', () => {
    const hot = { a: [weekly(10, 84)], b: [weekly(12, 84)], c: [] }
    const busy = { a: { inFlight: 30 } }
    expect(select({ home: 'a', homeServedAt: NOW }, hot, busy)).toMatchObject({ id: 'a' })
  })

  it('lets the cost of leaving fade within an hour', () => {
    const ages = [0, 15, 30, 60, 600].map((minutes) => leavingMargin(NOW - minutes * 60_000, NOW))
    expect(ages).toEqual([20, 16.25, 12.5, 5, 5])
  })

  it('never chooses a benched account, chooses the same twice, and keeps homes against small gains', () => {
    const account = fc.record({
      state: fc.constantFrom<AccountState>('active', 'active', 'rateLimited', 'disabled'),
      week: fc.option(fc.record({ used: fc.nat(100), hours: hoursUpTo(168) }), { nil: undefined }),
      inFlight: fc.nat(5),
    })
    const place = fc.constantFrom(undefined, '0', '1', '2', '3')
    fc.assert(
      fc.property(
        fc.array(account, { minLength: 1, maxLength: 4 }),
        place,
        fc.integer({ min: 0, max: 90 }),
        fc.nat(5),
        (accounts, home, idleMinutes, maxInFlight) => {
          const views = accounts.map(({ state }, at) => view(String(at), state))
          const usage = (at: number) => {
            const week = accounts[at]?.week
            return week === undefined ? [] : [weekly(week.used, week.hours)]
          }
          const windows = Object.fromEntries(accounts.map((_, at) => [at, usage(at)]))
          const hot = Object.fromEntries(accounts.map(({ inFlight }, at) => [at, { inFlight }]))
          const input = { views, home, homeServedAt: NOW - idleMinutes * 60_000, maxInFlight }
          const selection = select(input, windows, hot)
          expect(select(input, windows, hot)).toEqual(selection)
          const open = accounts.flatMap(({ state, inFlight }, at) =>
            state === 'active' && (maxInFlight === 0 || inFlight < maxInFlight) ? [String(at)] : [],
          )
          expect(selection.ok).toBe(open.length > 0)
          const chosen = selection.ok ? selection.id : undefined
          expect([undefined, ...open]).toContain(chosen)
          const scoreOf = (id: string | undefined) => drainScore(windows[id ?? ''] ?? [], NOW)
          const isMove = home !== undefined && open.includes(home) && chosen !== home
          const gain = isMove ? scoreOf(chosen) - scoreOf(home) : Infinity
          expect(gain).toBeGreaterThanOrEqual(leavingMargin(input.homeServedAt, NOW))
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

function hoursUpTo(most: number) {
  return fc.integer({ min: 1, max: most * 60 }).map((minutes) => minutes / 60)
}

function weekly(usedPercent: number, hours: number): Usage {
  return { window: 'weekly', usedPercent, resetsAt: NOW + hours * HOUR }
}

function session(usedPercent: number, hours: number): Usage {
  return { window: 'session', usedPercent, resetsAt: NOW + hours * HOUR }
}

function view(id: string, state: AccountState = 'active'): AccountView {
  return { id, state, renewing: false, facts: newFacts(id) }
}

function select(
  given: Partial<SelectionInput>,
  usage: Readonly<Record<string, readonly Usage[]>> = {},
  hot: Readonly<Record<string, Partial<HotState>>> = {},
) {
  return selectAccount({
    views: [view('a'), view('b'), view('c')],
    hot: (id) => ({ ...IDLE, usage: usage[id] ?? [], ...hot[id] }),
    strategy: 'drain',
    softQuotaPercent: 100,
    family: undefined,
    home: undefined,
    homeServedAt: 0,
    standIn: undefined,
    parentHome: undefined,
    active: undefined,
    maxInFlight: 0,
    tried: new Set(),
    now: NOW,
    ...given,
  })
}
