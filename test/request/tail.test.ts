import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTail } from '../../src/request/tail.ts'

const encoder = new TextEncoder()

describe('the tail of a stream', () => {
  it('is the end of it, from the beginning of an event, long enough to hold the last events', () => {
    const events = fc.array(fc.nat(9_000), { minLength: 1, maxLength: 60 })
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(events, ends, fc.integer({ min: 1, max: 20_000 }), (sizes, end, step) => {
        const stream = sizes.map((size) => `data: ${'x'.repeat(size)}${end}${end}`).join('')
        const tail = keep(stream, step)
        expect(stream.endsWith(tail)).toBe(true)
        expect(tail.startsWith('data: ')).toBe(true)
        expect(tail.length).toBeGreaterThanOrEqual(Math.min(4_096, stream.length))
      }),
    )
  })

  it.each([1, 7, 777, 100_000])('is short after a long stream in chunks of %d', (step) => {
    expect(keep('data: {"a":1}\n\n'.repeat(20_000), step).length).toBeLessThan(40_000)
  })

  it('holds an event whole that is longer than all before', () => {
    const long = `data: ${'x'.repeat(500_000)}\n\n`
    expect(keep(`${'data: 1\n\n'.repeat(5_000)}${long}data: end\n\n`, 1_000)).toContain(long)
  })

  it('gives up an event that is too long to be kept, and says so', () => {
    const tail = createTail()
    const chunk = new Uint8Array(9 * 1_024 * 1_024)
    for (let index = 0; index < 16; index++) tail.push(chunk)
    expect(tail.isCut()).toBe(true)
  })
})

function keep(stream: string, step: number): string {
  const tail = createTail()
  const bytes = encoder.encode(stream)
  for (let at = 0; at < bytes.byteLength; at += step) tail.push(bytes.subarray(at, at + step))
  return tail.take().reduce((text, chunk) => text + new TextDecoder().decode(chunk), '')
}
