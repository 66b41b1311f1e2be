import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Death,
  type FinalAccount,
  type Nap,
  type Spend,
  checkMutations,
  checkSpends,
  checkTokens,
  diedWith,
  hasLostAnswer,
} from './check.ts'
import { parseHistory } from './history.ts'
import { hashOf, remainsOf } from './tokens.ts'

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

  it('passes a mutation that was refused and begun again', () => {
    expect(
      check({ b: [...B, intent(2), ack(2, 2, 4)], final: { shared: 4, own: { a: 2, b: 2 } } }),
    ).toEqual([])
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
  const killed = death('one', ['x'])

  it('passes tokens that were each used once', () => {
    const other: Spend = { ...first, token: 'y', client: 'two' }
    expect(checkSpends([first, other], [], [], 500)).toEqual({ avoidable: [], inDoubt: 0 })
  })

  it('counts one more use as a doubt when the first user was killed before it had the answer', () => {
    expect(checkSpends([first, again], [killed], [], 500)).toEqual({ avoidable: [], inDoubt: 1 })
  })

  it('counts it as a doubt, too, when the first user slept through its limit and asks again', () => {
    const naps = [nap('one', 900, 1_300), nap('one', 1_400, 1_700)]
    expect(checkSpends([first, { ...again, client: 'one' }], [], naps, 600).inDoubt).toBe(1)
  })

  it.each<[string, readonly Death[]]>([
    ['nobody died', []],
    ['somebody else died', [death('two', ['x'])]],
    ['the first user died when the answer was on the disk', [death('one', [])]],
    ['the first user died with another token', [death('one', ['y'])]],
  ])('calls it avoidable when %s', (_, deaths) => {
    expect(checkSpends([first, again], deaths, [], 500).avoidable).toHaveLength(1)
  })

  it.each<[string, string, Nap]>([
    ['somebody else asks while the first user sleeps', 'two', nap('one', 900, 6_000)],
    ['the first user did not sleep long enough', 'one', nap('one', 1_100, 1_500)],
    ['the first user slept before', 'one', nap('one', 100, 1_100)],
    ['the first user slept later', 'one', nap('one', 4_900, 9_000)],
    ['another one slept', 'one', nap('two', 900, 6_000)],
  ])('calls it avoidable when %s', (_, client, sleep) => {
    expect(checkSpends([first, { ...again, client }], [], [sleep], 500).avoidable).toHaveLength(1)
  })

  it('calls a third use avoidable, whoever died', () => {
    const third: Spend = { ...again, client: 'three', at: 9_000 }
    const deaths = [killed, death('two', ['x'])]
    expect(checkSpends([first, again, third], deaths, [], 500).avoidable).toHaveLength(1)
  })
})

describe('the checker of tokens in the file', () => {
  const lines = [seen('a', 1), seen('b', 1), seen('a', 2)]
  const a: FinalAccount = {
    account: 'a',
    version: 2,
    token: 'a2',
    disabledReason: undefined,
    newest: 'a2',
    isInDoubt: false,
    deadOwners: 0,
  }
  const b: FinalAccount = { ...a, account: 'b', version: 1, token: 'b1', newest: 'b1' }

  it('passes a file that goes on to the newest token of each account', () => {
    expect(wrong(lines, [a, b])).toEqual([])
    expect(wrong([...lines, '{"kind":"se'], [a, b])).toEqual([])
  })

  it('passes a dead login that the file calls so, and one that only the next use can tell', () => {
    for (const disabledReason of ['lost', 'revoked', 'auth']) {
      expect(wrong(lines, [{ ...a, newest: undefined, disabledReason }, b])).toEqual([])
    }
    expect(wrong(lines, [{ ...a, newest: 'a3', isInDoubt: true }, b])).toEqual([])
  })

  it('passes a login that is given up since two died with the right to spend its token', () => {
    expect(wrong(lines, [{ ...a, disabledReason: 'lost', deadOwners: 2 }, b])).toEqual([])
  })

  it.each<[string, readonly string[], readonly FinalAccount[]]>([
    ['a token that went back', [...lines, seen('a', 1)], [a, b]],
    ['a token that was seen and is not there any more', [...lines, seen('a', 3)], [a, b]],
    ['an account that is not there any more', lines, [a]],
    ['an older token than the newest', lines, [{ ...a, newest: 'a3' }, b]],
    ['a dead login that the file calls good', lines, [{ ...a, newest: undefined }, b]],
    [
      'a dead login that the file calls switched off by a person',
      lines,
      [{ ...a, newest: undefined, disabledReason: 'user' }, b],
    ],
    ['a good login that the file calls lost', lines, [{ ...a, disabledReason: 'lost' }, b]],
    [
      'a good login that is given up after one death',
      lines,
      [{ ...a, disabledReason: 'lost', deadOwners: 1 }, b],
    ],
    [
      'a good login that the file calls revoked, whoever died',
      lines,
      [{ ...a, disabledReason: 'revoked', deadOwners: 2 }, b],
    ],
    ['a torn line in the middle', [seen('a', 1), '{"kind":"se', seen('a', 2)], [a, b]],
  ])('finds %s', (_, text, end) => {
    expect(wrong(text, end)).toHaveLength(1)
  })

  it('tells what was lost with a process from what others may know', () => {
    const spend: Spend = { token: 'x', client: 'one', at: 1, outcome: 'rotated' }
    expect(hasLostAnswer('x', [spend], [death('one', ['x'])])).toBe(true)
    expect(hasLostAnswer('x', [spend], [death('one', []), death('two', ['x'])])).toBe(false)
    expect(hasLostAnswer('x', [], [death('one', ['x'])])).toBe(false)
    expect(diedWith('x', [death('one', ['x'], ['x']), death('two', ['x'])])).toBe(1)
  })
})

describe('what a killed process leaves', () => {
  it('is a token without an answer, until one is recorded or written in full beside its ticket', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rota-remains-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'accounts.json')
    const journal = join(folder, 'multiauth-refresh')
    mkdirSync(journal)
    const put = (name: string, text: string) => writeFileSync(join(journal, name), text)
    const answer = JSON.stringify({ kind: 'renewed', accessToken: 'canary' })
    writeFileSync(file, '{"version":1,"accounts":[{"uuid":"a","refreshToken":"canary"}]}')
    for (const token of ['held', 'recorded', 'inRoom', 'torn']) put(`${token}.spend.1`, '{"pid":7}')
    put('theirs.spend.2', '{"pid":8}')
    put('recorded.next', answer)
    put('inRoom.spend.1.room', `${answer}  `)
    put('torn.spend.1.room', answer.slice(0, -4))
    const { unanswered, held } = remainsOf(7, file)
    expect([...held].toSorted()).toEqual(['held', 'torn'])
    expect([...unanswered].toSorted()).toEqual([hashOf('canary'), 'held', 'theirs', 'torn'])
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

function wrong(text: readonly string[], end: readonly FinalAccount[]): readonly string[] {
  return checkTokens([parseHistory('one', text.join('\n'))], end)
}

function seen(account: string, version: number): string {
  return JSON.stringify({ kind: 'seen', account, version, token: `${account}${version}` })
}

function death(client: string, unanswered: readonly string[], held: readonly string[] = []): Death {
  return { client, unanswered: new Set(unanswered), held: new Set(held) }
}

function nap(client: string, from: number, to: number): Nap {
  return { client, from, to }
}
