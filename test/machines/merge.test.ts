import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccountFacts, newFacts } from '../../machines/facts.ts'
import type { LimitRecord } from '../../machines/limits.ts'
import { mergeFacts, sameStoredFacts } from '../../machines/merge.ts'

const BASE = newFacts('a', { tokenVersion: 3, tokenExpiresAt: 30 })

describe('merging what two processes know', () => {
  it('keeps the change of one side, whichever it is', () => {
    const changed = { ...BASE, strikes: 2, disabledReason: 'billing' as const }
    expect(mergeFacts(BASE, changed, BASE)).toMatchObject({ strikes: 2, disabledReason: 'billing' })
    expect(mergeFacts(BASE, BASE, changed)).toMatchObject({ strikes: 2, disabledReason: 'billing' })
  })

  it('keeps both limits, and of one window the later end', () => {
    const session = limit('session', 10)
    const mine = { ...BASE, limits: [session, limit('weekly', 50)] }
    const theirs = { ...BASE, limits: [limit('session', 20), limit('opus', 30)] }
    const merged = mergeFacts(BASE, mine, theirs).limits
    expect(Object.fromEntries(merged.map(({ window, until }) => [window, until]))).toEqual({
      session: 20,
      weekly: 50,
      opus: 30,
    })
  })

  it('lets one side lift a limit that the other side did not touch', () => {
    const base = { ...BASE, limits: [limit('session', 10)] }
    expect(mergeFacts(base, { ...base, limits: [] }, base).limits).toEqual([])
    expect(mergeFacts(base, base, { ...base, limits: [] }).limits).toEqual([])
  })

  it('takes the newer token with its expiry, and its word on authentication', () => {
    const mine = { ...BASE, authFailures: 2, authRetryAt: 99, disabledReason: 'auth' as const }
    const theirs = { ...BASE, tokenVersion: 4, tokenExpiresAt: 40, authFailures: 0 }
    expect(mergeFacts(BASE, mine, theirs)).toMatchObject({ tokenVersion: 4, tokenExpiresAt: 40 })
  })

  it.each(['auth', 'revoked'] as const)(
    'lets a login from elsewhere end an unsaved "%s" of ours',
    (disabledReason) => {
      const mine = {
        ...BASE,
        disabledReason,
        disabledDetail: 'gone',
        authFailures: 1,
        authRetryAt: 9,
      }
      const theirs = { ...BASE, tokenVersion: 4, tokenExpiresAt: 40 }
      expect(mergeFacts(BASE, mine, theirs)).toMatchObject({
        disabledReason: null,
        disabledDetail: '',
        authFailures: 0,
        authRetryAt: 0,
      })
    },
  )

  it('lets a person’s switch win over everything', () => {
    const mine = { ...BASE, disabledReason: 'billing' as const }
    const theirs = { ...BASE, disabledReason: 'user' as const }
    expect(mergeFacts(BASE, mine, theirs).disabledReason).toBe('user')
    expect(mergeFacts(BASE, theirs, mine).disabledReason).toBe('user')
  })

  it('loses no limit and is the same from both sides', () => {
    const limits = fc.uniqueArray(
      fc.record({ window: fc.constantFrom('session', 'weekly', 'opus'), until: fc.nat(9) }),
      { selector: ({ window }) => window },
    )
    const facts = fc.record({ limits, strikes: fc.nat(3) }).map((known): AccountFacts => ({
      ...BASE,
      ...known,
      limits: known.limits.map(({ window, until }) => limit(window, until)),
    }))
    fc.assert(
      fc.property(facts, facts, (mine, theirs) => {
        const merged = mergeFacts(BASE, mine, theirs)
        expect(sameStoredFacts(merged, mergeFacts(BASE, theirs, mine), -1)).toBe(true)
        for (const known of [...mine.limits, ...theirs.limits]) {
          const found = merged.limits.find(({ window }) => window === known.window)
          expect(found?.until).toBeGreaterThanOrEqual(known.until)
        }
      }),
    )
  })
})

describe('whatever two or three processes know', () => {
  it('is the same from both sides', () => {
    fc.assert(
      fc.property(BEFORE, anyFacts(), anyFacts(), (base, mine, theirs) => {
        expect(kept(mergeFacts(base, mine, theirs))).toEqual(kept(mergeFacts(base, theirs, mine)))
      }),
      RUNS,
    )
  })

  it('ends in the same facts, in whatever order they write', () => {
    fc.assert(
      fc.property(BEFORE, fc.tuple(anyFacts(), anyFacts(), anyFacts()), (base, known) => {
        const [first, ...others] = ORDERS.map((order) =>
          kept(
            order.reduce((stored, index) => mergeFacts(base, known[index] ?? base, stored), base),
          ),
        )
        for (const other of others) expect(other).toEqual(first)
      }),
      RUNS,
    )
  })

  it('changes nothing when it is merged a second time, or when nobody changed anything', () => {
    fc.assert(
      fc.property(BEFORE, anyFacts(), anyFacts(), (base, mine, theirs) => {
        const merged = mergeFacts(base, mine, theirs)
        expect(kept(mergeFacts(base, mine, merged))).toEqual(kept(merged))
        expect(kept(mergeFacts(base, base, theirs))).toEqual(kept(theirs))
      }),
      RUNS,
    )
  })

  it('takes no token back and lifts no limit that both knew or one learned', () => {
    fc.assert(
      fc.property(BEFORE, anyFacts(), anyFacts(), (base, mine, theirs) => {
        const merged = mergeFacts(base, mine, theirs)
        expect(merged.tokenVersion).toBe(Math.max(mine.tokenVersion, theirs.tokenVersion))
        const [was, is] = [untilOf(base), untilOf(merged)]
        for (const side of [mine, theirs]) {
          const learned = Object.entries(untilOf(side)).filter(
            ([name, until]) => was[name] !== until,
          )
          const lost = learned.filter(([name, until]) => (is[name] ?? 0) < until)
          expect(lost).toEqual([])
        }
      }),
      RUNS,
    )
  })

  it('is turned off when one side was turned off by the person since', () => {
    fc.assert(
      fc.property(BEFORE, anyFacts(), anyFacts(), (base, mine, theirs) => {
        fc.pre(base.disabledReason !== 'user' && mine.disabledReason === 'user')
        expect(mergeFacts(base, mine, theirs).disabledReason).toBe('user')
        expect(mergeFacts(base, theirs, mine).disabledReason).toBe('user')
      }),
      RUNS,
    )
  })

  it('is turned on only by who knew that the person had turned it off', () => {
    const off = { ...BASE, disabledReason: 'user' as const }
    const on = { ...off, disabledReason: null }
    expect(mergeFacts(off, on, off).disabledReason).toBeNull()
    expect(mergeFacts(off, off, on).disabledReason).toBeNull()
    expect(mergeFacts(on, on, off).disabledReason).toBe('user')
  })
})

describe('a newer token', () => {
  const renewed = { ...BASE, tokenVersion: 4, tokenExpiresAt: 40 }

  it('ends what another process says of the older one, when it is ours too', () => {
    const theirs = {
      ...BASE,
      authFailures: 3,
      authRetryAt: 99,
      disabledReason: 'revoked' as const,
      disabledDetail: 'gone',
    }
    expect(mergeFacts(BASE, renewed, theirs)).toMatchObject({
      authFailures: 0,
      authRetryAt: 0,
      disabledReason: null,
      disabledDetail: '',
    })
  })

  it('does not end what was said of itself', () => {
    const mine = { ...renewed, disabledReason: 'revoked' as const }
    expect(mergeFacts(BASE, mine, renewed).disabledReason).toBe('revoked')
    expect(mergeFacts(BASE, renewed, mine).disabledReason).toBe('revoked')
  })

  it('is in doubt by itself, even if the older one was in the same doubt', () => {
    const off = { ...BASE, disabledReason: 'auth' as const }
    const failing = { ...off, tokenVersion: 4, tokenExpiresAt: 40 }
    const enabled = { ...off, disabledReason: null }
    expect(mergeFacts(off, failing, enabled).disabledReason).toBe('auth')
    expect(mergeFacts(off, enabled, failing).disabledReason).toBe('auth')
  })

  it('leaves nothing in the way when the doubt had taken the place of another reason', () => {
    const unpaid = { ...BASE, disabledReason: 'billing' as const }
    const lost = { ...BASE, disabledReason: 'lost' as const }
    const renewedUnpaid = { ...unpaid, tokenVersion: 4, tokenExpiresAt: 40 }
    expect(mergeFacts(unpaid, renewedUnpaid, lost).disabledReason).toBeNull()
    expect(mergeFacts(unpaid, lost, renewedUnpaid).disabledReason).toBeNull()
  })

  it('does not pay a bill', () => {
    const theirs = { ...BASE, disabledReason: 'billing' as const }
    expect(mergeFacts(BASE, renewed, theirs).disabledReason).toBe('billing')
  })
})

const RUNS = { numRuns: 300 }
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const

/** What all agreed on, before some renewed the token. */
const BEFORE = anyFacts(3)

/** What is stored, or shown: not what each process keeps to itself. */
function kept(facts: AccountFacts) {
  const { limits, coolingUntil: _, postponements: __, ...others } = facts
  const records = limits.map((each) => JSON.stringify(each))
  return { ...others, limits: new Set(records) }
}

function untilOf({ limits }: AccountFacts): Readonly<Record<string, number>> {
  return Object.fromEntries(limits.map(({ window, until }) => [window, until]))
}

/** A version of the token has one expiry, as it has one token. */
function anyFacts(newest = 5): fc.Arbitrary<AccountFacts> {
  const limits = fc.uniqueArray(
    fc.record({
      scope: fc.constant('account' as const),
      window: fc.constantFrom('session', 'weekly'),
      until: fc.integer({ min: 1, max: 3 }),
      source: fc.constantFrom('header' as const, 'usage' as const, 'guess' as const),
      observedAt: fc.nat(1),
    }),
    { selector: ({ window }) => window },
  )
  const known = fc.record({
    limits,
    strikes: fc.nat(2),
    authFailures: fc.nat(2),
    authRetryAt: fc.nat(2),
    tokenVersion: fc.integer({ min: 3, max: newest }),
    disabledReason: fc.constantFrom(
      null,
      'user' as const,
      'auth' as const,
      'lost' as const,
      'billing' as const,
    ),
    detail: fc.constantFrom('one', 'another'),
  })
  return known.map(({ detail, ...facts }) =>
    newFacts('a', {
      ...facts,
      tokenExpiresAt: facts.tokenVersion * 10,
      disabledDetail: facts.disabledReason === null ? '' : detail,
    }),
  )
}

function limit(window: string, until: number): LimitRecord {
  return { scope: 'account', window, until, source: 'header', observedAt: 1 }
}
