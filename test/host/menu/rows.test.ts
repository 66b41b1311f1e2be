import { describe, expect, it } from 'vitest'
import { quotaLines } from '../../../src/host/menu/bars.ts'
import { type Look, type Row, rowDetails, rowLines } from '../../../src/host/menu/rows.ts'
import { timeOf } from '../../../src/pool/time-of.ts'

const NOW = new Date(2026, 2, 30, 12).getTime()
const HOUR = 3_600_000
const WIDE: Look = { paint: (_tone, words) => words, width: 77, now: NOW }
const NARROW: Look = { ...WIDE, width: 40 }
/** Tones in place of colours. */
const PAINTED: Look = { ...WIDE, paint: (tone, words) => `<${tone} ${words}>` }

function row(known: Partial<Row> = {}): Row {
  return {
    id: 'a',
    label: 'ann@example.test',
    kind: 'subscription',
    plan: 'Claude Max',
    state: 'active',
    active: false,
    why: 'ready',
    backAt: undefined,
    disabledReason: undefined,
    usage: [],
    usageReadAt: 0,
    place: 1,
    lastUsed: NOW,
    ...known,
  }
}

const window = (name: string, usedPercent: number, resetsAt: number | null = NOW + HOUR) => ({
  window: name,
  usedPercent,
  resetsAt,
})

const lines = (rows: readonly Row[], width = WIDE.width) => rowLines(rows, { ...WIDE, width })

describe('an account in the list', () => {
  it.each([
    ['[ready]', {}],
    ['[limited]', { state: 'rateLimited' }],
    ['[back soon]', { state: 'cooling' }],
    ['[failing]', { state: 'authFailing' }],
    ['[off]', { state: 'disabled', disabledReason: 'user' }],
    ['[login needed]', { state: 'disabled', disabledReason: 'revoked' }],
    ['[login needed]', { state: 'disabled', disabledReason: 'lost' }],
    ['[new key needed]', { kind: 'apiKey', state: 'disabled', disabledReason: 'revoked' }],
    ['[refused]', { state: 'disabled', disabledReason: 'billing' }],
  ] as const satisfies readonly [string, Partial<Row>][])(
    'says in words that it is %s',
    (word, known) => {
      expect(lines([row(known)])).toEqual([`ann@example.test  ${word}  Claude Max  used today`])
    },
  )

  it('stands in columns with the others, the one in use marked', () => {
    const key = row({ kind: 'apiKey', plan: 'API key', label: 'work', lastUsed: 0 })
    const limited = row({ state: 'rateLimited', active: true })
    expect(lines([key, limited])).toEqual([
      'work              [ready]    API key     no use noted',
      'ann@example.test  [limited]  Claude Max  used today, in use',
    ])
    expect(lines([key, limited], 50)).toEqual([
      'work              [ready]    no use noted',
      'ann@example.test  [limited]  used today, in use',
    ])
    expect(rowLines([limited, key], PAINTED)[1]).toContain('<good [ready]>    API key')
  })

  it('keeps to its width, whatever its name', () => {
    const long = row({
      label: 'x'.repeat(300),
      state: 'disabled',
      disabledReason: 'lost',
      lastUsed: 1,
      active: true,
    })
    for (const width of [55, 77]) {
      for (const line of lines([long, row()], width)) {
        expect(line.length).toBeLessThanOrEqual(width)
      }
    }
  })
})

describe('an account alone', () => {
  it('says why it is in its state and when it is back', () => {
    const backAt = NOW + 20_000
    const why = 'its weekly window is used up'
    expect(rowDetails(row({ state: 'rateLimited', why, backAt }), 3, WIDE)).toEqual([
      'ann@example.test  [limited]',
      'Claude Max, place 1 of 3, used today',
      'Why: its weekly window is used up. It is back in 20 s.',
    ])
    expect(rowDetails(row({ plan: '', lastUsed: 0 }), 1, WIDE)).toEqual([
      'ann@example.test  [ready]',
      'place 1 of 1, no use noted',
      'It is ready.',
    ])
  })
})

describe('how much is used', () => {
  const at = timeOf(NOW + HOUR, NOW)

  it('is a bar for each window, with its reset', () => {
    const usage = [
      window('session', 0, null),
      window('weekly', 51.4),
      window('weekly:opus', 100),
      window('24h', 130, NOW - 1),
    ]
    expect(quotaLines(row({ usage }), undefined, WIDE)).toEqual([
      'ann@example.test  Claude Max  [ready]',
      '  5 hours    ░░░░░░░░░░░░░░░░░░░░   0 %',
      `  week       ██████████░░░░░░░░░░  51 %  resets ${at}`,
      `  week opus  ████████████████████ 100 %  resets ${at}`,
      '  24h        ████████████████████ 130 %  has been reset',
    ])
  })

  it('is neither empty nor full before it is', () => {
    const bars = [0.1, 99.9].map((used) =>
      quotaLines(row({ usage: [window('weekly', used, null)] }), undefined, WIDE)[1]?.slice(8, 28),
    )
    expect(bars).toEqual([`█${'░'.repeat(19)}`, `${'█'.repeat(19)}░`])
  })

  it('takes two lines where the terminal is narrow', () => {
    const usage = [window('session', 50)]
    const [, line = '', reset = ''] = quotaLines(row({ usage }), undefined, NARROW)
    expect([line, reset.trim()]).toEqual(['  5 hours  ██████████░░░░░░░░░░  50 %', `resets ${at}`])
  })

  it.each([
    [69, 'good'],
    [70, 'warning'],
    [89, 'warning'],
    [90, 'bad'],
  ])('is at %i % shown as %s', (used, tone) => {
    const [, line] = quotaLines(row({ usage: [window('weekly', used)] }), undefined, PAINTED)
    expect(line).toContain(`<${tone} █`)
  })

  it('says why it is not new, and how old it is', () => {
    const usageReadAt = NOW - 3 * HOUR
    const known = row({ usage: [window('weekly', 5, null)], usageReadAt })
    expect(quotaLines(known, 'HTTP 500', WIDE).slice(1)).toEqual([
      '  Not read: HTTP 500. This was so 3 h ago:',
      '  week  █░░░░░░░░░░░░░░░░░░░   5 %',
    ])
    expect(quotaLines(row(), 'HTTP 500', WIDE).slice(1)).toEqual(['  Not read: HTTP 500.'])
    expect(quotaLines(row(), undefined, WIDE).slice(1)).toEqual(['  It names no window.'])
    const key = row({ kind: 'apiKey', plan: 'API key' })
    expect(quotaLines(key, undefined, WIDE)).toEqual([
      'ann@example.test  API key  [ready]',
      '  Paid by the request: there is no quota.',
    ])
  })
})
