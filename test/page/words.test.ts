import { describe, expect, it } from 'vitest'
import { type Bar, barsOf, usageAge } from '../../src/page/bars.ts'
import { firstChoice } from '../../src/page/choice.ts'
import { reasonsOf } from '../../src/page/reasons.ts'
import { stepFrom } from '../../src/page/steps.ts'
import { ago, clock, countdown, machineTime, roughly } from '../../src/page/time.ts'
import { rowsOf } from '../../src/page/timeline-rows.ts'
import { titleOf } from '../../src/page/title.ts'
import { badgeOf, loadOf, planOf, readiness, regionsOf } from '../../src/page/words.ts'
import type { Happening } from '../../src/inspect/picture.ts'
import { NOW, accountOf, limitedOf, pictureOf, poolOf } from './pictures.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe('a countdown', () => {
  it.each([
    [-5 * SECOND, '0 s'],
    [0, '0 s'],
    [1, '1 s'],
    [20 * SECOND, '20 s'],
    [MINUTE - 1, '1 min 00 s'],
    [12 * MINUTE + 9 * SECOND, '12 min 09 s'],
    [HOUR + 4 * MINUTE + 9 * SECOND, '1 h 04 min 09 s'],
    [2 * DAY + 5 * HOUR + 4 * MINUTE + 9 * SECOND, '2 d 05 h 04 min'],
  ])('of %i ms says %s', (ms, words) => expect(countdown(ms)).toBe(words))

  it.each([
    [59 * SECOND, 'less than a minute'],
    [12 * MINUTE, '12 min'],
    [HOUR, '1 h 00 min'],
    [2 * DAY + 5 * HOUR, '2 d 05 h'],
  ])('of %i ms is roughly %s', (ms, words) => expect(roughly(ms)).toBe(words))

  it.each([
    [-SECOND, 'just now'],
    [59 * SECOND, '59 s ago'],
    [HOUR - 1, '59 min ago'],
    [47 * HOUR, '1 d ago'],
  ])('of the past, %i ms, says %s', (ms, words) => expect(ago(ms)).toBe(words))
})

describe('a time of day', () => {
  it('names the day only when it is not today, and the date when the weekday would not do', () => {
    const now = onMonday('12:00:00')
    expect(clock(onMonday('14:05:09'), now)).toBe(timeAlone(onMonday('14:05:09')))
    expect(clock(onMonday('14:05:09'), now, true)).toMatch(/05.09/)
    expect(clock(onMonday('14:05:09') + DAY, now)).toMatch(/^Tue /)
    expect(clock(onMonday('14:05:09') + 7 * DAY, now)).toMatch(/30/)
  })

  it('is for machines only where it is one', () => {
    expect(machineTime(0)).toBe('1970-01-01T00:00:00.000Z')
    expect(machineTime(Number.MAX_VALUE)).toBeUndefined()
  })
})

describe('the bars of an account', () => {
  it('are neither empty nor full before it is so', () => {
    expect(bar(0)?.share).toBe('0 %')
    expect(bar(0.2)?.share).toBe('under 1 %')
    expect(bar(99.7)?.share).toBe('99 %')
    expect(bar(100)?.share).toBe('100 %')
  })

  it('stay within their line whatever the provider says', () => {
    expect([bar(130), bar(-3)].map((each) => each?.percent)).toEqual([100, 0])
  })

  it('warn from 70 and alarm from 90 per cent', () => {
    const levels = [69, 70, 89, 90].map((percent) => bar(percent)?.level)
    expect(levels).toEqual(['calm', 'high', 'high', 'full'])
  })

  it('say when the window is reset, and that it was', () => {
    expect(bar(42, null)?.reset).toBe('')
    expect(bar(42, NOW + HOUR)?.reset).toMatch(/^resets in 1 h 00 min, \d/)
    expect(bar(42, NOW)).toMatchObject({ percent: 0, share: '–' })
    expect(bar(42, NOW)?.reset).toBe('was reset since it was read')
  })

  it('name the window and the model that it counts', () => {
    const usage = ['session', 'weekly:opus', '24h'].map((window) => ({
      window,
      usedPercent: 1,
      resetsAt: null,
    }))
    expect(barsOf({ usage }, NOW).map(({ name }) => name)).toEqual([
      '5-hour window',
      'weekly window for opus',
      '24h window',
    ])
  })

  it('say how old they are once that matters', () => {
    const { usage } = accountOf('work')
    expect(usageAge({ usage, usageReadAt: NOW - 4 * MINUTE }, NOW)).toBe('')
    expect(usageAge({ usage, usageReadAt: NOW - 12 * MINUTE }, NOW)).toBe('usage read 12 min ago')
    expect(usageAge({ usage: [], usageReadAt: NOW - 12 * MINUTE }, NOW)).toBe('')
  })
})

describe('the words for an account', () => {
  it('have one tone for each state, so that each has a shape', () => {
    const kind = 'subscription'
    const states = ['active', 'rateLimited', 'cooling', 'authFailing'] as const
    expect(states.map((state) => badgeOf({ kind, state, disabledReason: undefined }))).toEqual([
      { tone: 'ready', word: 'ready' },
      { tone: 'limited', word: 'limited' },
      { tone: 'soon', word: 'back soon' },
      { tone: 'failing', word: 'failing' },
    ])
    const reasons = ['user', 'revoked', 'billing'] as const
    expect(
      reasons.map((disabledReason) => badgeOf({ kind, state: 'disabled', disabledReason })),
    ).toEqual([
      { tone: 'off', word: 'off' },
      { tone: 'refused', word: 'login needed' },
      { tone: 'refused', word: 'refused' },
    ])
  })

  it('tell the plan, or that it is a key', () => {
    expect(planOf({ kind: 'subscription', plan: 'Claude Max' })).toBe('Claude Max')
    expect(planOf({ kind: 'subscription', plan: '' })).toBe('plan not known')
    expect(planOf({ kind: 'apiKey', plan: '' })).toBe('API key')
  })

  it('tell what it does here and elsewhere', () => {
    expect(loadOf({ inFlight: 2, usedElsewhere: 1, renewing: true })).toEqual([
      '2 in flight here',
      '1 elsewhere',
      'renewing its token',
    ])
  })

  it('name a region and its state, however deep', () => {
    const availability = 'account.availability.authFailing'
    expect(regionsOf([availability, `${availability}.waiting`, 'account.token.idle'])).toBe(
      'availability: authFailing.waiting, token: idle',
    )
    expect(regionsOf(['refresh.exchanging'])).toBe('exchanging')
  })

  it('give every reason, the most important first', () => {
    const opus = { scope: { family: 'opus' }, window: 'weekly:opus', until: NOW + DAY } as const
    const limited = limitedOf('home')
    const account = {
      ...limited,
      renewing: true,
      limits: [...limited.limits, { ...opus, source: 'header', observedAt: NOW } as const],
      usageReadAt: NOW - 12 * MINUTE,
    }
    const reasons = reasonsOf(account, NOW)
    expect(reasons).toHaveLength(6)
    expect(reasons[0]).toBe('Its 5-hour window is used up.')
    expect(reasons[1]).toMatch(/^Limited since .+, back in 22 min 30 s\.$/)
    expect(reasons[2]).toMatch(/^Its weekly window for opus is used up until Tue .+\.$/)
    expect(reasons[4]).toBe('Last refusal, 8 min ago: its 5-hour window is used up (429).')
    expect(reasonsOf({ ...account, backAt: NOW - 1 }, NOW)[1]).toMatch(/back any moment\.$/)
  })
})

describe('the title of the page', () => {
  const live = { kind: 'live', backAt: 0 } as const

  it('counts who is ready, in all pools together', () => {
    const picture = pictureOf(
      poolOf([accountOf('work'), limitedOf('home')]),
      poolOf([accountOf('third')]),
    )
    expect(titleOf(picture, live)).toBe('2 of 3 ready – opencode-rota')
    expect(titleOf(pictureOf(), live)).toBe('no account – opencode-rota')
    expect(readiness([])).toBe('no account')
  })

  it('says when the page is not connected', () => {
    expect(titleOf(undefined, { kind: 'opening' })).toBe('opencode-rota')
    expect(titleOf(pictureOf(), { kind: 'lost', since: 1 })).toBe('not connected – opencode-rota')
  })
})

describe('the first choice', () => {
  it('is the account in use, else the first, else none', () => {
    const [work, home] = [accountOf('work'), accountOf('home')]
    expect(firstChoice(undefined)).toBeUndefined()
    expect(firstChoice(pictureOf(poolOf([])))).toBeUndefined()
    expect(firstChoice(pictureOf(poolOf([work, home])))?.id).toBe(work.id)
    expect(firstChoice(pictureOf(poolOf([work, { ...home, active: true }])))?.id).toBe(home.id)
  })
})

describe('the rows of the timeline', () => {
  it('join what was said several times in a row, and keep what is about one account', () => {
    const timeline = [line(9, 'a', 'x'), line(8, 'a', 'x'), line(7, 'b', 'y'), line(6, 'a', 'x')]
    expect(rowsOf(timeline).map((row) => [row.words, row.at, row.first, row.times])).toEqual([
      ['x', 9, 8, 2],
      ['y', 7, 7, 1],
      ['x', 6, 6, 1],
    ])
    expect(rowsOf(timeline, 'a').map(({ times }) => times)).toEqual([3])
  })
})

describe('arrow keys', () => {
  /** Three cards in a row, then one over the whole width, then two. */
  const places = [
    [0, 0],
    [100, 0],
    [200, 0],
    [0, 50],
    [100, 50],
  ].map(([left = 0, top = 0]) => ({ left, top }))

  it.each([
    [0, 'ArrowRight', 1],
    [4, 'ArrowRight', 4],
    [0, 'ArrowLeft', 0],
    [1, 'ArrowDown', 4],
    [2, 'ArrowDown', 4],
    [3, 'ArrowDown', 3],
    [4, 'ArrowUp', 1],
    [3, 'Home', 0],
    [0, 'End', 4],
    [0, 'x', undefined],
  ])('from card %i, %s leads to %s', (from, key, to) => {
    expect(stepFrom(places, from, key)).toBe(to)
  })
})

function onMonday(clockTime: string): number {
  return new Date(`2026-11-23T${clockTime}`).getTime()
}

function timeAlone(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
}

function bar(usedPercent: number, resetsAt: number | null = null): Bar | undefined {
  return barsOf({ usage: [{ window: 'session', usedPercent, resetsAt }] }, NOW)[0]
}

function line(when: number, account: string, words: string): Happening {
  return { at: when, kind: 'assigned', account, label: account, words, conversation: undefined }
}
