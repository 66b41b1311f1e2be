import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_RETRY_AFTER_MS, readRetryAfter } from '../../src/provider/retry-after.ts'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { openai } from '../../src/provider/openai/adapter.ts'
import { NOW, answer } from './answer.ts'

const CLOCK = { receivedAt: NOW, skewMs: 0 }

describe('retry-after', () => {
  it.each([
    ['5', 5_000],
    ['0', 0],
    ['1.5', 1_500],
    [' 12 ', 12_000],
    [new Date(NOW + 60_000).toUTCString(), 60_000],
    [new Date(NOW - 60_000).toUTCString(), 0],
    ['864000', MAX_RETRY_AFTER_MS],
    ['999999999999', undefined],
    ['-5', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['1e9', undefined],
    ['', undefined],
    ['soon', undefined],
    ['Mon, 99 Foo 2026 99:99:99 GMT', undefined],
  ])('reads %j as %j ms', (value, ms) => {
    expect(readRetryAfter(new Headers({ 'retry-after': value }), CLOCK)).toBe(ms)
  })

  it('prefers retry-after-ms, and falls back when that says nothing', () => {
    const headers = new Headers({ 'retry-after-ms': '250', 'retry-after': '9' })
    expect(readRetryAfter(headers, CLOCK)).toBe(250)
    headers.set('retry-after-ms', 'abc')
    expect(readRetryAfter(headers, CLOCK)).toBe(9_000)
    headers.set('retry-after-ms', '-1')
    expect(readRetryAfter(headers, CLOCK)).toBe(9_000)
  })

  it('corrects a date by the skew of the server', () => {
    const headers = new Headers({ 'retry-after': new Date(NOW + 90_000).toUTCString() })
    expect(readRetryAfter(headers, { receivedAt: NOW, skewMs: 30_000 })).toBe(60_000)
  })

  it('never benches beyond seven days, whatever 10,000 headers say', () => {
    fc.assert(
      fc.property(headerValue(), headerValue(), fc.integer(), (seconds, ms, skewMs) => {
        const headers = { 'retry-after': seconds, 'retry-after-ms': ms }
        for (const provider of [anthropic, openai]) {
          const verdict = provider.judge(answer(429, { headers, skewMs }))
          expect(['burst', 'limited']).toContain(verdict.kind)
          for (const until of untils(verdict)) {
            expect(until).toBeGreaterThanOrEqual(NOW)
            expect(until).toBeLessThanOrEqual(NOW + MAX_RETRY_AFTER_MS)
          }
        }
      }),
      { numRuns: 10_000 },
    )
  })
})

function untils(verdict: ReturnType<typeof anthropic.judge>): readonly number[] {
  if (verdict.kind === 'limited') return verdict.limits.map((limit) => limit.until)
  return verdict.kind === 'burst' ? [NOW + (verdict.retryAfterMs ?? 0)] : []
}

/** Header values: numbers of every size, dates, and any text that a header can carry. */
function headerValue(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.double().map(String),
    fc.integer().map(String),
    fc.bigInt().map(String),
    fc.nat(2_000_000).map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.string({ unit: 'grapheme-ascii' }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
  )
}
