import { describe, expect, it } from 'vitest'
import { type Spend, checkMutations, checkSpends } from './check.ts'
import { parseHistory } from './history.ts'

const A = [
  '{"kind":"intent","seq":1}',
  '{"kind":"ack","seq":1,"own":1,"shared":1}',
  '{"kind":"intent","seq":2}',
  '{"kind":"ack","seq":2,"own":2,"shared":3}',
]
const B = [
  '{"kind":"intent","seq":1}',
  '{"kind":"ack","seq":1,"own":1,"shared":2}',
  '{"kind":"intent","seq":2}',
]
const FINAL = { shared: 3, own: { a: 2, b: 1 } }

describe('the checker of mutations', () => {
  it('passes a history in which nothing was lost', () => {
    expect(check({})).toEqual([])
  })

  it('passes an unconfirmed mutation of a killed process, done or not, and its torn last line', () => {
    expect(check({ b: [...B, '{"kind":"ac'] })).toEqual([])
    expect(check({ final: { shared: 4, own: { a: 2, b: 2 } } })).toEqual([])
  })

  it.each([
    ['a confirmed mutation that the file lost', { final: { shared: 2, own: { a: 1, b: 1 } } }],
    ['a shared count that the file lost', { final: { shared: 2, own: { a: 2, b: 1 } } }],
    ['a count that nobody made', { final: { shared: 9, own: { a: 2, b: 1 } } }],
    ['a counter that nobody raised so far', { final: { shared: 3, own: { a: 9, b: 1 } } }],
    ['two that raised the counter to the same', { b: [B[0], B[1]?.replace('2}', '3}')] }],
    ['a counter that went back', { a: [...A, intent(3), ack(3, 2, 4)] }],
    ['a confirmation without an intent', { a: [A[0], A[1], A[3]] }],
    ['a torn line in the middle', { a: [A[0], '{"kind":"a', A[1], A[2], A[3]] }],
    ['several mutations that were never confirmed', { b: [...B, intent(3), intent(4)] }],
  ])('finds %s', (_, corruption) => {
    expect(check(corruption)).not.toEqual([])
  })

  it('follows a counter from one start of a process to the next', () => {
    const restarted = [intent(1), ack(1, 2, 4)]
    const histories = [
      parseHistory('a', `${A.join('\n')}\n`),
      parseHistory('b', `${B.join('\n')}\n`),
      parseHistory('a', `${restarted.join('\n')}\n`),
    ]
    const final = { shared: 4, own: { a: 3, b: 1 } }
    expect(checkMutations(histories, final)).toEqual(['a: its counter went from 2 to 2'])
  })
})

describe('the checker of spent tokens', () => {
  const first = { token: 'x', client: 'one', at: 1_000, outcome: 'rotated' } as const
  const again: Spend = { token: 'x', client: 'two', at: 5_000, outcome: 'reused' }

  it('passes tokens that were each used once', () => {
    const other: Spend = { ...first, token: 'y', client: 'two' }
    expect(checkSpends([first, other], [], 500)).toEqual({ avoidable: [], inDoubt: 0 })
  })

  it('counts one more use as a doubt when the first user was killed before it had the answer', () => {
    const deaths = [{ client: 'one', at: 1_200 }]
    expect(checkSpends([first, again], deaths, 500)).toEqual({ avoidable: [], inDoubt: 1 })
  })

  it('counts it as a doubt, too, when the first user fell asleep for ever with its request sent', () => {
    const deaths = [{ client: 'one', at: 900 }]
    expect(checkSpends([first, again], deaths, 500).inDoubt).toBe(1)
  })

  it.each([
    ['nobody died', []],
    ['somebody else died', [{ client: 'two', at: 1_200 }]],
    ['the first user died long after', [{ client: 'one', at: 1_600 }]],
  ])('calls it avoidable when %s', (_, deaths) => {
    expect(checkSpends([first, again], deaths, 500).avoidable).toHaveLength(1)
  })

  it('calls a third use avoidable, whoever died', () => {
    const deaths = ['one', 'two'].map((client) => ({ client, at: 1_200 }))
    const third: Spend = { ...again, client: 'three', at: 9_000 }
    expect(checkSpends([first, again, third], deaths, 500).avoidable).toHaveLength(1)
  })
})

interface Corruption {
  readonly a?: readonly (string | undefined)[]
  readonly b?: readonly (string | undefined)[]
  readonly final?: typeof FINAL
}

function check({ a = A, b = B, final = FINAL }: Corruption): readonly string[] {
  const histories = [parseHistory('a', a.join('\n')), parseHistory('b', b.join('\n'))]
  return checkMutations(histories, final)
}

function intent(seq: number): string {
  return JSON.stringify({ kind: 'intent', seq })
}

function ack(seq: number, own: number, shared: number): string {
  return JSON.stringify({ kind: 'ack', seq, own, shared })
}
