import * as fc from 'fast-check'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDocument, serializeDocument } from '../../src/store/document.ts'
import { createFileStore } from '../../src/store/file.ts'
import {
  CANARY,
  MEMORY,
  adding,
  rawAccount,
  rawDocument,
  temporaryFolder,
  uuids,
} from './examples.ts'

const PROTOTYPE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype))
const ORIGINAL = rawDocument(
  [
    rawAccount('a', { label: 'Work', limits: [], cachedUsage: { five_hour: null } }),
    rawAccount('b', { accessToken: `${CANARY}-at`, futureField: { deep: [true] } }),
    rawAccount('c', { strikes: 2 }),
  ],
  { rev: 3, activeAccountUuid: 'b' },
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

/** `ROTA_MUTATIONS=20000` for the full number; every fifth is written to the disk, too. */
const RUNS = Number(process.env['ROTA_MUTATIONS'] ?? 2_000)

describe(`${RUNS} mutated accounts files`, () => {
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
          again.ok &&
          again.document.accounts.length === accounts.length &&
          again.document.rejected.length === rejected.length &&
          accounts.length + rejected.length === entries.length &&
          rejected.every((entry) => !entry.problem.includes(CANARY)) &&
          unharmed(entries).every((uuid) => accounts.some((account) => account.uuid === uuid))
        )
      }),
      { numRuns: RUNS },
    )
  })

  it(
    'are never taken for an empty one, and keep all through the next update',
    async () => {
      const folder = temporaryFolder(MEMORY)
      const original = join(folder, 'original.json')
      for (const uuid of ['a', 'b', 'c']) await open(original).update(adding(uuid))
      const harmed: string[] = []
      const texts = fc.sample(mutation(), RUNS / 5)
      for (let first = 0; first < texts.length; first += AT_ONCE) {
        const some = texts.slice(first, first + AT_ONCE)
        const safe = await Promise.all(
          some.map(async (text, index) => {
            const file = join(folder, `${first + index}.json`)
            for (const end of ['.bak-0', '.bak-1']) copyFileSync(original + end, file + end)
            writeFileSync(file, text, { mode: 0o600 })
            return isSafe(file, text)
          }),
        )
        harmed.push(...some.filter((_, index) => safe[index] !== true))
      }
      expect(harmed).toEqual([])
      expect(untouchedPrototype()).toBe(true)
    },
    RUNS * 20,
  )
})

const AT_ONCE = 100

/** Another process adds one account to the mutated file; copies of three accounts lie beside it. */
async function isSafe(file: string, text: string): Promise<boolean> {
  const result = await open(file).update(adding('new'))
  const written = readFileSync(file, 'utf8')
  const parsed = parseDocument(text)
  if (!result.ok) {
    const isSilent = !result.problem.message.includes(CANARY)
    return isSilent && result.problem.code === 'newer' && written === text
  }
  const there = uuids(result)
  const expected = parsed.ok ? parsed.document.accounts.map(({ uuid }) => uuid) : ['a', 'b', 'c']
  const unread = parsed.ok ? parsed.document.rejected.map(({ raw }) => JSON.stringify(raw)) : []
  const entries: readonly unknown[] = JSON.parse(written).accounts
  const kept = new Set(entries.map((entry) => JSON.stringify(entry)))
  return (
    [...expected, 'new'].every((uuid) => there.includes(uuid)) &&
    unread.every((entry) => kept.has(entry))
  )
}

/** The entries that the mutation did not touch, unless it made another one of the same name. */
function unharmed(entries: readonly unknown[]): readonly string[] {
  const original: readonly { readonly uuid: string }[] = JSON.parse(ORIGINAL).accounts
  const texts = entries.map((entry) => JSON.stringify(entry))
  return original.filter((entry) => texts.includes(JSON.stringify(entry))).map(({ uuid }) => uuid)
}

function open(file: string) {
  return createFileStore({ file, now: Date.now })
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
