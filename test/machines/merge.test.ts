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
          const kept = merged.limits.find(({ window }) => window === known.window)
          expect(kept?.until).toBeGreaterThanOrEqual(known.until)
        }
      }),
    )
  })
})

function limit(window: string, until: number): LimitRecord {
  return { scope: 'account', window, until, source: 'header', observedAt: 1 }
}
