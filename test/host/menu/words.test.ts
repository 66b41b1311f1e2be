import { describe, expect, it } from 'vitest'
import { counted, listed, shortened, usedWhen, wrapped } from '../../../src/host/menu/words.ts'

const at = (...parts: [number, number, number, number?]) => {
  const [year, month, day, hour = 0] = parts
  return new Date(year, month - 1, day, hour).getTime()
}

describe('when an account was used', () => {
  const now = at(2026, 3, 30, 1)

  it.each([
    ['no use noted', 0],
    ['used today', now],
    ['used today', now + 5_000],
    ['used today', at(2026, 3, 30)],
    ['used yesterday', at(2026, 3, 30) - 1],
    ['used yesterday', at(2026, 3, 29)],
    ['used 2 d ago', at(2026, 3, 28, 23)],
    ['used 365 d ago', at(2025, 3, 30, 12)],
  ])('is told in the person’s own days: %s', (words, lastUsed) => {
    expect(usedWhen(lastUsed, now)).toBe(words)
  })
})

describe('a text in a narrow place', () => {
  it('is broken between words, and a long word stands alone', () => {
    expect(wrapped('one two  three\nfour', 9)).toEqual(['one two', 'three', 'four'])
    expect(wrapped('see https://example.test/long now', 10)).toEqual([
      'see',
      'https://example.test/long',
      'now',
    ])
    expect(wrapped('', 5)).toEqual([])
  })

  it('is cut where it must be one line', () => {
    expect([shortened('abcdef', 6), shortened('abcdefg', 6)]).toEqual(['abcdef', 'abcde…'])
  })
})

describe('several things', () => {
  it('are counted and named', () => {
    expect([counted(0, 'account'), counted(1, 'account')]).toEqual(['0 accounts', '1 account'])
    expect(listed([])).toBe('')
    expect(listed(['a'])).toBe('a')
    expect(listed(['a', 'b', 'c', 'd'])).toBe('a, b, c and d')
    expect(listed(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more')
  })
})
