import { describe, expect, it } from 'vitest'
import type { PoolNews } from '../../src/pool/events.ts'
import { createNotes } from '../../src/inspect/notes.ts'
import { about } from '../../src/inspect/words.ts'

const NOW = new Date(2026, 6, 1, 12, 0).getTime()
const AT_1405 = new Date(2026, 6, 1, 14, 5).getTime()
const DAY = 24 * 3_600_000

describe('the timeline', () => {
  it('says why a conversation stayed, and why one moved', () => {
    const { note, timeline } = createNotes(() => NOW)
    const request = { conversation: 'talk', isSubagent: false }
    const first = { ...request, account: '1', label: 'acc1' }
    const second = { ...request, account: '2', label: 'acc2' }
    note({ type: 'request.assigned', ...first, reason: 'home', after: undefined })
    note(changed({ to: 'rateLimited', why: 'its 5-hour window is used up', backAt: AT_1405 }))
    note({ type: 'request.refused', ...first, status: 429, why: 'its 5-hour window is used up' })
    note({ type: 'request.assigned', ...second, reason: 'least-busy', after: 'acc1' })
    note({ type: 'request.assigned', ...second, reason: 'stand-in', after: undefined })
    expect(timeline().map(({ kind, account, words }) => [kind, account, words])).toEqual([
      ['assigned', '2', 'chosen: stands in while the home of this conversation is away'],
      ['moved', '2', 'moved: 5-hour window of acc1 is used up until 14:05'],
      ['refused', '1', 'did not serve (429): its 5-hour window is used up'],
      ['changed', '1', 'limited: its 5-hour window is used up until 14:05'],
      ['assigned', '1', 'kept: home of this conversation'],
    ])
    expect(timeline().every(({ at }) => at === NOW)).toBe(true)
    expect(timeline().map(({ label }) => label)).toEqual(['acc2', 'acc2', 'acc1', 'acc1', 'acc1'])
  })

  it('names what was in the way when no limit was', () => {
    const { note, timeline } = createNotes(() => NOW)
    const request = { conversation: undefined, isSubagent: false }
    const first = { ...request, account: '1', label: 'acc1' }
    note({ type: 'request.refused', ...first, status: 529, why: 'the provider is in trouble' })
    note({ type: 'request.assigned', ...first, reason: 'active', after: undefined })
    note({
      type: 'request.refused',
      ...first,
      status: undefined,
      why: 'it did not begin to answer',
    })
    const second = { ...request, account: '2', label: 'acc2' }
    note({ type: 'request.assigned', ...second, reason: 'least-busy', after: 'acc1' })
    expect(timeline()[0]?.words).toBe('moved: acc1 did not begin to answer')
  })

  it('says of an account that fails when it is tried again', () => {
    const { note, timeline } = createNotes(() => NOW)
    const failing = { to: 'authFailing', why: 'its token could not be renewed yet' } as const
    note(changed({ ...failing, backAt: AT_1405 }))
    const request = { conversation: undefined, isSubagent: false }
    const second = { ...request, account: '2', label: 'acc2' }
    note({ type: 'request.assigned', ...second, reason: 'least-busy', after: 'acc1' })
    expect(timeline().map(({ words }) => words)).toEqual([
      'moved: token of acc1 could not be renewed yet',
      'failing: its token could not be renewed yet, tried again at 14:05',
    ])
  })

  it('keeps since when an account is in its state, and its last error', () => {
    let now = NOW
    const { note, of } = createNotes(() => now)
    expect(of('1')).toEqual({ since: 0, lastError: undefined })
    note(changed({ from: undefined, to: 'rateLimited', why: 'it is limited' }))
    expect(of('1').since).toBe(0)
    now += 1_000
    note({ type: 'token.failed', account: '1', label: 'acc1', why: 'the provider answered "no"' })
    now += 1_000
    note(changed({ to: 'authFailing', why: 'its token is refused (1 in a row)' }))
    expect(of('1')).toEqual({
      since: NOW + 2_000,
      lastError: { at: NOW + 1_000, words: 'the provider answered "no"' },
    })
  })

  it('remembers the last 200, and not what is no news', () => {
    const { note, timeline } = createNotes(() => NOW)
    note(changed({ from: undefined, to: 'active', why: 'ready' }))
    expect(timeline()).toEqual([])
    for (let each = 0; each < 250; each++) {
      note({ type: 'request.queued', conversation: `talk-${each}` })
    }
    expect(timeline()).toHaveLength(200)
    expect(timeline()[0]?.conversation).toBe('talk-249')
  })
})

describe('what is said of "it"', () => {
  it.each([
    ['its weekly window for opus is used up', 'weekly window for opus of acc1 is used up'],
    ['the provider asked it to slow down', 'the provider asked acc1 to slow down'],
    ['its usage limit is reached', 'usage limit of acc1 is reached'],
    ['it is limited', 'acc1 is limited'],
    ['its token could not be renewed yet', 'token of acc1 could not be renewed yet'],
    ['its plan does not pay for this', 'plan of acc1 does not pay for this'],
    ['it needs a new login: no', 'acc1 needs a new login: no'],
    ['switched off by you', 'acc1: switched off by you'],
    ['a fresh token was refused', 'acc1: a fresh token was refused'],
  ])('%s', (why, said) => {
    expect(about({ label: 'acc1', why }, NOW)).toBe(said)
  })

  it('names the day when it is another one', () => {
    const backAt = AT_1405 + 3 * DAY
    expect(about({ label: 'acc1', why: 'it is limited', backAt }, NOW)).toMatch(
      /^acc1 is limited until .*4.*, 14:05$/,
    )
  })
})

function changed(
  news: Pick<PoolNews & { type: 'account.changed' }, 'to' | 'why'> &
    Partial<PoolNews & { type: 'account.changed' }>,
): PoolNews {
  return {
    account: '1',
    label: 'acc1',
    from: 'active',
    backAt: undefined,
    disabledReason: null,
    kind: 'subscription',
    ...news,
    type: 'account.changed',
  }
}
