import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BURST,
  type LimitRecord,
  type LimitSource,
  type UsageRead,
  limitKey,
  limitedUntil,
  withUsageRead,
} from '../../machines/limits.ts'

const AT = 1_000
const FREE: UsageRead = { at: AT, usedUp: [], isFree: true }
const GUESS = limit({ window: BURST, source: 'guess', until: 5_000 })
const WEEKLY = { scope: 'account', window: 'weekly', until: 9_000 } as const
const OPUS = { scope: { family: 'opus' }, window: 'weekly:opus', until: 9_000 } as const

describe('a usage read', () => {
  it('lifts an older guess when no window is used up', () => {
    expect(withUsageRead([GUESS], FREE)).toEqual([])
  })

  it('puts the used-up window in the place of an older guess', () => {
    expect(withUsageRead([GUESS], { at: AT, usedUp: [WEEKLY], isFree: false })).toEqual([
      { ...WEEKLY, source: 'usage', observedAt: AT },
    ])
  })

  it('narrows a guess down to the model family whose window is used up', () => {
    const limits = withUsageRead([GUESS], { at: AT, usedUp: [OPUS], isFree: true })
    expect([limitedUntil(limits, 'opus'), limitedUntil(limits, 'sonnet')]).toEqual([9_000, 0])
  })

  it.each([
    ['a guess that is as new', { ...GUESS, observedAt: AT }, FREE],
    ['a guess, when it knows no window', GUESS, { ...FREE, isFree: false }],
    ['a limit of a header', limit({ source: 'header' }), FREE],
    ['a limit of a body', limit({ source: 'body' }), FREE],
    ['a limit of an earlier read', limit({ source: 'usage' }), FREE],
  ])('leaves %s as it is', (_, known, read) => {
    const limits = [known]
    expect(withUsageRead(limits, read)).toBe(limits)
  })

  it('makes no limit of its own where nobody was refused', () => {
    expect(withUsageRead([], { at: AT, usedUp: [WEEKLY], isFree: false })).toEqual([])
  })

  it('never shortens, moves or lifts what is not an older guess, and leaves none of those', () => {
    fc.assert(
      fc.property(limitLists, reads, (limits, read) => {
        const after = withUsageRead(limits, read)
        const isOlderGuess = (each: LimitRecord) =>
          each.source === 'guess' && each.observedAt < read.at
        const strong = limits.filter((each) => !isOlderGuess(each))
        expect(after).toEqual(expect.arrayContaining(strong))
        const added = after.filter((each) => !limits.includes(each))
        expect(
          added.every(({ source, observedAt }) => source === 'usage' && observedAt === read.at),
        ).toBe(true)
        const saysSomething = read.isFree || read.usedUp.some(({ scope }) => scope === 'account')
        expect(after.some(isOlderGuess)).toBe(!saysSomething && limits.some(isOlderGuess))
        expect(new Set(after.map(limitKey)).size).toBe(after.length)
        expect(withUsageRead(after, read)).toBe(after)
      }),
    )
  })
})

const windows = [
  { scope: 'account', window: 'session' },
  { scope: 'account', window: 'weekly' },
  { scope: 'account', window: BURST },
  { scope: { family: 'opus' }, window: 'weekly:opus' },
] as const
const times = fc.integer({ min: AT - 5, max: AT + 5 })
const named = fc.record({ of: fc.constantFrom(...windows), until: times })
const limitLists: fc.Arbitrary<LimitRecord[]> = fc.uniqueArray(
  fc
    .record({
      named,
      source: fc.constantFrom<LimitSource>('header', 'body', 'usage', 'guess'),
      observedAt: times,
    })
    .map(({ named: { of, until }, source, observedAt }) => ({ ...of, until, source, observedAt })),
  { selector: limitKey },
)
const reads: fc.Arbitrary<UsageRead> = fc.record({
  at: times,
  usedUp: fc.uniqueArray(
    named.map(({ of, until }) => ({ ...of, until })),
    { selector: limitKey },
  ),
  isFree: fc.boolean(),
})

function limit(known: Partial<LimitRecord>): LimitRecord {
  return {
    scope: 'account',
    window: 'session',
    until: 5_000,
    source: 'header',
    observedAt: AT - 1,
    ...known,
  }
}
