import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AccountState } from '../../machines/account.ts'
import { API_KEY_PLAN, type AccountFacts, newFacts } from '../../machines/facts.ts'
import type { AccountView } from '../../machines/view.ts'
import { hybridScore } from '../../src/pool/select/hybrid-score.ts'
import { selectAccount } from '../../src/pool/select/select.ts'
import type { HotState, SelectionInput } from '../../src/pool/select/selection.ts'

const NOW = 1_800_000_000_000
const IDLE: HotState = {
  inFlight: 0,
  lastUsedAt: 0,
  probing: false,
  foreignLoad: 0,
  usage: [],
  usageAt: 0,
}

describe('sticky', () => {
  it('keeps a conversation at home', () => {
    expect(select({ home: 'b', active: 'a' })).toMatchObject({ id: 'b', reason: 'home' })
  })

  it('sends a new conversation to the account in use while nobody is busy', () => {
    expect(select({ active: 'c' })).toMatchObject({ id: 'c', reason: 'active', settles: true })
  })

  it('spreads parallel conversations over the least busy', () => {
    const hot = { a: { inFlight: 2 }, b: { inFlight: 1 }, c: { inFlight: 0 } }
    expect(select({ active: 'a' }, hot)).toMatchObject({ id: 'c', reason: 'least-busy' })
  })

  it('counts the load that other processes put on an account', () => {
    const hot = { a: { foreignLoad: 3 }, b: {}, c: { inFlight: 1 } }
    expect(select({ active: 'a' }, hot)).toMatchObject({ id: 'b' })
  })

  it('leaves the account in use for one that others use less, and shares the least used', () => {
    const hot = { a: { foreignLoad: 2 }, b: { foreignLoad: 1 }, c: { foreignLoad: 3 } }
    expect(select({ active: 'a' }, hot)).toMatchObject({ id: 'b', reason: 'least-busy' })
    expect(select({ active: 'a', home: 'c' }, hot)).toMatchObject({ id: 'c', reason: 'home' })
  })

  it('does not make a temporary fallback the home', () => {
    const views = [view('a', 'rateLimited'), view('b'), view('c')]
    expect(select({ views, home: 'a' })).toMatchObject({ ok: true, settles: false })
  })

  it('stays with the same fallback while home is away', () => {
    const views = [view('a', 'rateLimited'), view('b'), view('c')]
    expect(select({ views, home: 'a', standIn: 'c' })).toMatchObject({
      id: 'c',
      reason: 'stand-in',
    })
  })

  it('settles anew when home is disabled for good', () => {
    const views = [view('a', 'disabled'), view('b')]
    expect(select({ views, home: 'a' })).toMatchObject({ id: 'b', settles: true })
  })

  it("lets a subagent begin at its parent's home", () => {
    expect(select({ parentHome: 'c', active: 'a' })).toMatchObject({ id: 'c', reason: 'parent' })
  })
})

describe.each(['sticky', 'round-robin', 'hybrid'] as const)(
  'a token that has ended (%s)',
  (strategy) => {
    const ended = { tokenExpiresAt: NOW - 1 }

    it('keeps nobody waiting while another account can serve at once', () => {
      const views = [view('a', 'active', ended), view('b', 'active', { tokenExpiresAt: NOW + 1 })]
      expect(select({ views, strategy })).toMatchObject({ id: 'b' })
      expect(select({ views, strategy, active: 'b' })).toMatchObject({ id: 'b' })
    })

    it('is renewed where nobody can serve at once', () => {
      const views = [view('a', 'active', ended), view('b', 'active', ended)]
      expect(select({ views, strategy })).toMatchObject({ id: 'a' })
    })
  },
)

describe('sticky, when the token of a home has ended', () => {
  it('waits for it: the prompt cache is there', () => {
    const views = [view('a', 'active', { tokenExpiresAt: NOW - 1 }), view('b')]
    expect(select({ views, home: 'a' })).toMatchObject({ id: 'a', reason: 'home' })
    expect(
      select({ views: [view('c', 'rateLimited'), ...views], home: 'c', standIn: 'a' }),
    ).toMatchObject({
      id: 'a',
      reason: 'stand-in',
    })
  })
})

describe('round-robin', () => {
  it('takes the next in the order of the file, over the end, past those that cannot serve', () => {
    const views = [view('a'), view('b', 'rateLimited'), view('c')]
    expect(select({ views, strategy: 'round-robin', active: 'a' })).toMatchObject({ id: 'c' })
    expect(select({ views, strategy: 'round-robin', active: 'c' })).toMatchObject({ id: 'a' })
  })
})

describe('round-robin beside other processes', () => {
  const strategy = 'round-robin'

  it('takes turns among those that others use least, and says so', () => {
    const hot = { b: { foreignLoad: 1 } }
    expect(select({ strategy, active: 'a' }, hot)).toMatchObject({
      id: 'c',
      reason: 'less-claimed',
    })
    expect(select({ strategy, active: 'c' }, hot)).toMatchObject({
      id: 'a',
      reason: 'next-in-turn',
    })
  })

  it('shares the least used where all are used, in turn among equals', () => {
    const hot = { a: { foreignLoad: 2 }, b: { foreignLoad: 1 }, c: { foreignLoad: 1 } }
    expect(select({ strategy, active: 'b' }, hot)).toMatchObject({ id: 'c' })
    expect(select({ strategy, active: 'c' }, hot)).toMatchObject({ id: 'b' })
  })

  it('uses a claimed account when no other is ready', () => {
    const views = [view('a', 'rateLimited'), view('b'), view('c', 'disabled')]
    expect(select({ views, strategy }, { b: { foreignLoad: 9 } })).toMatchObject({ id: 'b' })
  })
})

describe('hybrid', () => {
  it('moves to an account that others do not use, and shares the least used of equals', () => {
    const strategy = 'hybrid'
    expect(select({ strategy, active: 'a' }, { a: { foreignLoad: 1 } })).toMatchObject({ id: 'b' })
    const all = { a: { foreignLoad: 3 }, b: { foreignLoad: 2 }, c: { foreignLoad: 2 } }
    expect(select({ strategy }, all)).toMatchObject({ id: 'b', reason: 'best-score' })
  })

  it('adds up usage, health, freshness, the account in use and foreign claims', () => {
    const at = { active: false, now: NOW }
    // Unknown usage counts as 65 %: 450 × 0.35 + 250 + 60.
    expect(hybridScore(view('a'), IDLE, at)).toBeCloseTo(467.5)
    expect(hybridScore(view('a'), IDLE, { ...at, active: true })).toBeCloseTo(587.5)
    expect(hybridScore(view('a'), { ...IDLE, foreignLoad: 1 }, at)).toBeCloseTo(267.5)
    expect(hybridScore(view('a'), { ...IDLE, lastUsedAt: NOW - 450_000 }, at)).toBeCloseTo(437.5)
    const full = [{ window: 'session', usedPercent: 120, resetsAt: NOW + 1 }]
    expect(hybridScore(view('a'), { ...IDLE, usage: full }, at)).toBeCloseTo(310)
    const over = [{ window: 'session', usedPercent: 120, resetsAt: NOW - 1 }]
    expect(hybridScore(view('a'), { ...IDLE, usage: over }, at)).toBeCloseTo(760)
  })

  it('moves only when another account is better by 40', () => {
    // 35 % of 450 is 157.5; less the 120 of the account in use that is 37.5, short of 40.
    const kept = select({ strategy: 'hybrid', active: 'a' }, { a: used(35), b: used(0) })
    expect(kept).toMatchObject({ id: 'a', reason: 'active' })
    const moved = select({ strategy: 'hybrid', active: 'a' }, { a: used(36), b: used(0) })
    expect(moved).toMatchObject({ id: 'b', reason: 'best-score' })
  })
})

describe('API keys beside logins', () => {
  const key = { ...view('b'), facts: { ...view('b').facts, plan: API_KEY_PLAN } }
  const reason = 'before-key'

  it.each(['sticky', 'round-robin', 'hybrid', 'drain'] as const)(
    'serve under %s while no login can',
    (strategy) => {
      const views = [key, view('a'), view('c')]
      const active = strategy === 'round-robin' ? 'c' : 'b'
      expect(select({ strategy, views, active, home: 'b' })).toMatchObject({ id: 'a', reason })
      const limited = [view('a', 'rateLimited'), key, view('c', 'cooling')]
      expect(select({ strategy, views: limited })).toMatchObject({ id: 'b' })
    },
  )

  it('keep the conversations that began with them, for the time after', () => {
    const given = { views: [key, view('a')], home: 'b', standIn: 'a' }
    expect(select(given)).toMatchObject({ id: 'a', reason, settles: false })
  })

  it('share their requests where there is no login', () => {
    const other = { ...key, id: 'k', facts: { ...key.facts, id: 'k' } }
    const views = [key, other]
    expect(select({ strategy: 'round-robin', views, active: 'b' })).toMatchObject({ id: 'k' })
  })
})

describe('a soft quota', () => {
  const softQuotaPercent = 80
  const full = { a: used(81), b: used(80), c: used(90) }

  it.each(['sticky', 'round-robin'] as const)(
    'gives no new conversation to an account above it while another is below (%s)',
    (strategy) => {
      const given = { strategy, softQuotaPercent }
      expect(select(given, full)).toMatchObject({ id: 'b', reason: 'below-quota' })
      expect(select({ ...given, active: 'c' }, full)).toMatchObject({ id: 'b' })
      expect(select({ ...given, parentHome: 'a' }, full)).toMatchObject({ id: 'b' })
    },
  )

  it('keeps the account in use under "hybrid" from new conversations too', () => {
    const given = { strategy: 'hybrid', active: 'a', softQuotaPercent } as const
    const hot = { a: used(81), b: used(79), c: used(100) }
    expect(select({ ...given, softQuotaPercent: 100 }, hot)).toMatchObject({ id: 'a' })
    expect(select(given, hot)).toMatchObject({ id: 'b', reason: 'below-quota' })
  })

  it('leaves a conversation at its home, and with its stand-in, until a limit', () => {
    expect(select({ home: 'a', softQuotaPercent }, full)).toMatchObject({ id: 'a', reason: 'home' })
    const views = [view('a', 'rateLimited'), view('b'), view('c')]
    const given = { views, home: 'a', softQuotaPercent }
    expect(select({ ...given, standIn: 'c' }, full)).toMatchObject({ id: 'c', reason: 'stand-in' })
    expect(select(given, full)).toMatchObject({ id: 'b', settles: false })
  })

  it('gives its own reason only where it changed the choice', () => {
    expect(select({ softQuotaPercent, active: 'b' }, full)).toMatchObject({ reason: 'active' })
  })

  it('changes nothing when all that can serve are above it, or at 100', () => {
    const views = [view('a'), view('b', 'rateLimited'), view('c')]
    const given = { views, active: 'c', softQuotaPercent }
    expect(select(given, full)).toMatchObject({ id: 'c', reason: 'active' })
    expect(select({ ...given, home: 'a' }, full)).toMatchObject({ id: 'a', reason: 'home' })
    const over = { a: used(130), b: used(0), c: used(0) }
    expect(select({ active: 'a' }, over)).toMatchObject({ id: 'a' })
    expect(
      select({ ...given, strategy: 'round-robin', home: 'a', active: 'a' }, full),
    ).toMatchObject({ id: 'c', reason: 'next-in-turn' })
  })

  it('goes before a token that is still to be renewed', () => {
    const views = [view('a'), view('b', 'active', { tokenExpiresAt: NOW - 1 })]
    expect(select({ views, softQuotaPercent }, full)).toMatchObject({ id: 'b' })
  })

  it.each([
    ['a window that has been reset', { window: 'session', usedPercent: 99, resetsAt: NOW }],
    ['a window of one family', { window: 'weekly:opus', usedPercent: 99, resetsAt: NOW + 1 }],
  ])('does not count %s', (_, usage) => {
    expect(select({ softQuotaPercent }, { a: { usage: [usage] } })).toMatchObject({ id: 'a' })
  })

  it('counts each window of the account, also one without a known reset', () => {
    const weekly = { window: 'weekly', usedPercent: 99, resetsAt: null }
    const session = { window: 'session', usedPercent: 1, resetsAt: NOW + 1 }
    const hot = { a: { usage: [weekly, session] } }
    expect(select({ softQuotaPercent }, hot)).toMatchObject({ id: 'b' })
  })

  it('sends no new conversation above it while one below is ready, and never refuses one', () => {
    const percents = fc.array(fc.nat(120), { minLength: 1, maxLength: 5 })
    const strategies = fc.constantFrom('sticky', 'round-robin', 'hybrid')
    fc.assert(
      fc.property(percents, strategies, fc.nat(100), (each, strategy, threshold) => {
        const views = each.map((_, at) => view(String(at)))
        const hot = Object.fromEntries(each.map((percent, at) => [at, used(percent)]))
        const selection = select({ views, strategy, softQuotaPercent: threshold }, hot)
        const without = select({ views, strategy }, hot)
        const percent = selection.ok ? (each[Number(selection.id)] ?? 0) : Infinity
        const isOff = threshold === 100 || each.every((one) => one > threshold)
        expect(isOff ? selection : without).toEqual(without)
        expect(isOff || percent <= threshold).toBe(true)
      }),
    )
  })
})

describe('every strategy', () => {
  it('keeps a family limit to its family', () => {
    const limits = [
      {
        scope: { family: 'opus' },
        window: 'weekly',
        until: NOW + 1,
        source: 'header',
        observedAt: 0,
      },
    ] as const
    const views = [view('a', 'active', { limits }), view('b')]
    expect(select({ views, home: 'a', family: 'opus' })).toMatchObject({ id: 'b' })
    expect(select({ views, home: 'a', family: 'sonnet' })).toMatchObject({ id: 'a' })
  })

  it('probes a returned account with one request, and only when nobody active is left', () => {
    const views = [view('a', 'cooling'), view('b')]
    expect(select({ views, home: 'a' })).toMatchObject({ id: 'b' })
    const alone = [view('a', 'cooling', { coolingUntil: NOW + 9 }), view('b', 'disabled')]
    expect(select({ views: alone })).toMatchObject({ id: 'a', reason: 'probe' })
    expect(select({ views: alone }, { a: { probing: true } })).toEqual({
      ok: false,
      blocked: { why: 'limited', firstBack: { id: 'a', at: NOW + 9 } },
    })
  })

  it('says who is back first', () => {
    const views = [
      view('a', 'rateLimited', limitedTo(NOW + 9)),
      view('b', 'rateLimited', limitedTo(NOW + 5)),
    ]
    expect(select({ views })).toMatchObject({
      blocked: { why: 'limited', firstBack: { id: 'b', at: NOW + 5 } },
    })
  })

  it('tells no account from all disabled and from all tried', () => {
    expect(select({ views: [] })).toMatchObject({ blocked: { why: 'empty' } })
    expect(select({ views: [view('a', 'disabled')] })).toMatchObject({
      blocked: { why: 'disabled' },
    })
    expect(select({ tried: new Set(['a', 'b', 'c']) })).toMatchObject({ blocked: { why: 'tried' } })
  })

  it('sends a new conversation nowhere that others use more than another ready account', () => {
    const loads = fc.array(fc.nat(3), { minLength: 1, maxLength: 5 })
    const active = fc.option(fc.constantFrom('0', '1', '2', '3', '4'), { nil: undefined })
    fc.assert(
      fc.property(
        loads,
        fc.constantFrom('sticky', 'round-robin'),
        active,
        (each, strategy, last) => {
          const hot = Object.fromEntries(each.map((foreignLoad, at) => [at, { foreignLoad }]))
          const views = each.map((_, at) => view(String(at)))
          const selection = select({ views, strategy, active: last }, hot)
          const load = selection.ok ? hot[selection.id]?.foreignLoad : undefined
          expect(load).toBe(Math.min(...each))
        },
      ),
    )
  })

  it('tries one whose token endpoint was out of reach when nobody else is left', () => {
    const views = [view('a', 'rateLimited'), view('b', 'authFailing', { authRetryAt: NOW + 9_000 })]
    expect(select({ views })).toMatchObject({ id: 'b', reason: 'last-resort' })
  })

  it('never chooses a benched, disabled or tried account, and always one while one is ready', () => {
    const state = fc.constantFrom<AccountState>(
      'active',
      'rateLimited',
      'cooling',
      'authFailing',
      'disabled',
    )
    const id = fc.option(fc.constantFrom('0', '1', '2', '3', '4'), { nil: undefined })
    fc.assert(
      fc.property(
        fc.array(state, { maxLength: 5 }),
        fc.uniqueArray(fc.constantFrom('0', '1', '2', '3', '4')),
        fc.constantFrom('sticky', 'round-robin', 'hybrid'),
        fc.record({ home: id, standIn: id, parentHome: id, active: id }),
        fc.array(fc.nat(1_000), { minLength: 5, maxLength: 5 }),
        (states, triedIds, strategy, places, loads) => {
          const views = states.map((each, index) =>
            view(String(index), each, { authFailures: 1, authRetryAt: NOW + 1 }),
          )
          const tried = new Set<string>(triedIds)
          const hot = Object.fromEntries(loads.map((foreignLoad, at) => [at, { foreignLoad }]))
          const selection = select({ views, strategy, tried, ...places }, hot)
          const open = views.filter((each) => !tried.has(each.id))
          const active = open.filter((each) => each.state === 'active')
          const cooling = open.filter((each) => each.state === 'cooling')
          const allowed = active.length > 0 ? active : cooling
          expect(selection.ok).toBe(allowed.length > 0)
          const chosenId = selection.ok ? selection.id : undefined
          expect([undefined, ...allowed.map((each) => each.id)]).toContain(chosenId)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

function used(percent: number): Partial<HotState> {
  return { usage: [{ window: 'session', usedPercent: percent, resetsAt: NOW + 1 }] }
}

function limitedTo(until: number): Partial<AccountFacts> {
  return {
    limits: [{ scope: 'account', window: 'session', until, source: 'header', observedAt: 0 }],
  }
}

function view(
  id: string,
  state: AccountState = 'active',
  facts: Partial<AccountFacts> = {},
): AccountView {
  return { id, state, renewing: false, facts: newFacts(id, facts) }
}

function select(
  given: Partial<SelectionInput>,
  hot: Readonly<Record<string, Partial<HotState>>> = {},
) {
  return selectAccount({
    views: [view('a'), view('b'), view('c')],
    hot: (id) => ({ ...IDLE, ...hot[id] }),
    strategy: 'sticky',
    softQuotaPercent: 100,
    family: undefined,
    home: undefined,
    homeServedAt: 0,
    maxInFlight: 0,
    standIn: undefined,
    parentHome: undefined,
    active: undefined,
    tried: new Set(),
    now: NOW,
    ...given,
  })
}
