import * as fc from 'fast-check'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDocument, serializeDocument } from '../../src/store/document.ts'
import { createFileStore } from '../../src/store/file.ts'
import { CANARY, adding, rawAccount, rawDocument, temporaryFolder, uuids } from './examples.ts'

const PROTOTYPE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype))
const ORIGINAL = rawDocument(
  [
    rawAccount('a', { label: 'Work', limits: [], cachedUsage: { five_hour: null } }),
    rawAccount('b', { accessToken: `${CANARY}-at`, futureField: { deep: [true] } }),
    rawAccount('c', { strikes: 2 }),
  ],
  { rev: 2, activeAccountUuid: 'b' },
)

const HOSTILE_VALUES = [
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  'null',
  '[]',
  '{}',
  '""',
  '" "',
  '"\\u0000"',
  '0',
  '-1',
  '1e999',
  '1e15',
  'true',
  '[[]]',
]

describe('2,000 mutated accounts files', () => {
  it('crash nothing, change no prototype, and lose no entry that was still there', () => {
    fc.assert(
      fc.property(mutation(), (text) => {
        const parsed = parseDocument(text)
        expect(untouchedPrototype()).toBe(true)
        if (!parsed.ok) return !parsed.detail.includes(CANARY)
        const { accounts, rejected } = parsed.document
        const entries: readonly unknown[] = JSON.parse(text).accounts
        const again = parseDocument(serializeDocument(parsed.document))
        return (
          accounts.length + rejected.length === entries.length &&
          rejected.every((entry) => !entry.problem.includes(CANARY)) &&
          again.ok &&
          again.document.accounts.length === accounts.length
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it('never end in a pool that is empty by mistake', async () => {
    const folder = temporaryFolder()
    const texts = fc.sample(mutation(), 400)
    const outcomes = await Promise.all(
      texts.map(async (text, index) => afterMutation(join(folder, `${index}.json`), text)),
    )
    expect(outcomes.filter(({ isSafe }) => !isSafe)).toEqual([])
    expect(untouchedPrototype()).toBe(true)
  }, 60_000)
})

/** A store with three accounts; its file is mutated; another process adds one account. */
async function afterMutation(file: string, text: string) {
  for (const uuid of ['a', 'b', 'c'])
    await createFileStore({ file, now: Date.now }).update(adding(uuid))
  writeFileSync(file, text)
  const result = await createFileStore({ file, now: Date.now }).update(adding('new'))
  const written = readFileSync(file, 'utf8')
  const parsed = parseDocument(text)
  if (!result.ok) {
    const isSilent = !result.problem.message.includes(CANARY)
    return { text, isSafe: isSilent && result.problem.code === 'newer' && written === text }
  }
  const expected = parsed.ok ? parsed.document.accounts.map(({ uuid }) => uuid) : ['a', 'b', 'c']
  return { text, isSafe: uuids(result).join() === [...expected, 'new'].join() }
}

function untouchedPrototype(): boolean {
  return (
    JSON.stringify(Object.getOwnPropertyNames(Object.prototype)) === PROTOTYPE &&
    Reflect.get({}, 'polluted') === undefined
  )
}

/** The text with bytes changed, or the document with a value replaced. */
function mutation(): fc.Arbitrary<string> {
  return fc.oneof(byteMutation(), valueMutation())
}

function byteMutation(): fc.Arbitrary<string> {
  const place = fc.nat({ max: ORIGINAL.length })
  const insert = fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.constantFrom('', '"', '}', ']', ',', '\0'),
  )
  return fc
    .array(fc.tuple(place, fc.nat({ max: 20 }), insert), { minLength: 1, maxLength: 3 })
    .map((edits) =>
      edits.reduce(
        (text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut),
        ORIGINAL,
      ),
    )
}

function valueMutation(): fc.Arbitrary<string> {
  const hostile = fc.constantFrom(...HOSTILE_VALUES)
  const keys = [...ORIGINAL.matchAll(/"([a-zA-Z_]+)":/g)].map(([key]) => key)
  const names = fc.constantFrom(...keys, '"__proto__":', '"extra":', '"toString":')
  return fc.tuple(fc.nat({ max: keys.length - 1 }), names, hostile).map(([index, name, value]) => {
    let seen = -1
    return ORIGINAL.replace(/"[a-zA-Z_]+":("[^"]*"|[\d.]+|true|false|null|\[\]|)/g, (match) => {
      seen += 1
      return seen === index ? `${name}${value}${match.endsWith(':') ? `,${match}` : ''}` : match
    })
  })
}
