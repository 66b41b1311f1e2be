import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createFileStore } from '../../src/store/file.ts'
import type { AccountStore, StoreResult } from '../../src/store/store.ts'
import { type DiskStep, fault, listening } from './disk.ts'
import { MEMORY, adding, rawAccount, rawDocument, temporaryFolder, uuids } from './examples.ts'

vi.mock('node:fs', async (actual) => (await import('./disk.ts')).shown(await actual()))
vi.mock('node:fs/promises', async (actual) => (await import('./disk.ts')).shown(await actual()))
// A damaged file is looked at twice, with a pause: not hundreds of times here.
vi.mock('node:timers/promises', () => ({ setTimeout: () => new Promise(setImmediate) }))

const NAME = 'accounts.json'
const CODES = ['ENOSPC', 'EROFS', 'EACCES', 'EIO', 'EMFILE'] as const
type Code = (typeof CODES)[number]
const WORDS: Readonly<Record<Code, string>> = {
  ENOSPC: 'the disk is full (ENOSPC). Free some space.',
  EROFS: 'the disk is read-only (EROFS). Make it writable.',
  EACCES:
    'permission is denied (EACCES). Give yourself access to it and to its folder (chown, chmod).',
  EIO: 'the disk reports an error (EIO). Check the disk and its cables; see the system log.',
  EMFILE: 'this process has too many files open (EMFILE). Start it anew, or raise "ulimit -n".',
}

type Files = Readonly<Record<string, string>>
const COPIES: Files = {
  [`${NAME}.bak-0`]: generation(4, 'a', 'b'),
  [`${NAME}.bak-1`]: generation(3, 'a'),
}
const WHOLE: Files = { ...COPIES, [NAME]: generation(4, 'a', 'b') }
/** The accounts a and b are in each folder, and must be in the file in the end. */
const FOLDERS: readonly (readonly [string, Files, readonly Code[]])[] = [
  ['a whole file', WHOLE, CODES],
  ['a damaged file', { ...COPIES, [NAME]: '{"accounts":[{' }, ['EIO', 'EMFILE']],
  ['an emptied file', { ...COPIES, [NAME]: '' }, ['EIO', 'EMFILE']],
  ['a file that was set back', { ...COPIES, [NAME]: generation(3, 'a') }, ['EIO', 'EMFILE']],
]

describe.each(FOLDERS)('%s', (_, files, codes) => {
  it.each(codes)('comes to no harm when any one call of an update fails with %s', async (code) => {
    expect(await harmOf(files, code, adds, ['a', 'b', 'c'])).toEqual([])
  })

  it.each(codes)('is not taken for a missing one when any call fails with %s', async (code) => {
    expect(await harmOf(files, code, reads, ['a'])).toEqual([])
  })
})

describe('a disk that takes nothing any more', () => {
  it.each(['ENOSPC', 'EROFS'] as const)(
    'because of %s, from any call on, stops writing and nothing else',
    async (code) => {
      const steps = await stepsOf(WHOLE, adds)
      for (const index of steps.keys()) {
        const folder = begin(WHOLE)
        const store = open(folder)
        const before = from(index, (step) => WRITES[code].test(nameOf(step)), code)
        const results = await listening({ before }, async () => [
          await adds(store),
          await store.update(adding('d')),
          await store.read(),
        ])
        expect(results[1]).toMatchObject({ problem: { code: 'unwritable' } })
        expect(results[2]).toMatchObject({ ok: true })
        const known = results[0]?.ok === true ? ['a', 'b', 'c'] : ['a', 'b']
        expect(missing(await store.update(adding('e')), [...known, 'e'])).toEqual([])
        // A file that could not be removed is, some time later.
        await open(folder, Date.now() + 3_600_000).update(adding('f'))
        expect(strangers(folder)).toEqual([])
      }
    },
    20_000,
  )
})

describe('a file that needs a repair the disk does not take', () => {
  const before = from(0, (step) => WRITES.EROFS.test(nameOf(step)), 'EROFS')

  it.each(['{"accounts":[{', ''])(
    'is read from its newest copy when it holds "%s"',
    async (text) => {
      const folder = begin({ ...COPIES, [NAME]: text })
      const result = await listening({ before }, async () => open(folder).read())
      expect(uuids(result)).toEqual(['a', 'b'])
      expect(result).toMatchObject({ warnings: [expect.stringContaining(WORDS.EROFS)] })
      expect(readFileSync(join(folder, NAME), 'utf8')).toBe(text)
    },
  )

  it('is read with what is known to be newer when it was set back', async () => {
    const folder = begin(WHOLE)
    const store = open(folder)
    await store.read()
    writeFileSync(join(folder, NAME), generation(3, 'a', 'restored'))
    const result = await listening({ before }, async () => store.read())
    expect(uuids(result).toSorted()).toEqual(['a', 'b', 'restored'])
    expect(result).toMatchObject({ warnings: [expect.stringContaining(WORDS.EROFS)] })
  })

  it('is a problem, and no empty one, when there is no copy', async () => {
    const folder = begin({ [NAME]: '{"accounts":[{' })
    const result = await listening({ before }, async () => open(folder).read())
    expect(result).toMatchObject({ ok: false, problem: { code: 'corrupt' } })
  })
})

/** The calls that need space, and those that change anything. */
const WRITES = {
  ENOSPC: /^(open to write|mkdirSync|writeFileSync|file\.(writeFile|sync))/,
  EROFS: /^(open to write|(mkdir|rm|rmdir|rename|writeFile)Sync|file\.writeFile)/,
} as const

const adds = async (store: AccountStore) => store.update(adding('c'))
const reads = async (store: AccountStore) => store.read()

/**
 * Fails each call of `act` in turn, each time in a new folder. Tells all that is not as it should
 * be, while the fault lasts or after it.
 */
async function harmOf(
  files: Files,
  code: Code,
  act: (store: AccountStore) => Promise<StoreResult>,
  wanted: readonly string[],
): Promise<readonly string[]> {
  const harm: string[] = []
  const steps = await stepsOf(files, act)
  for (const [index, failing] of steps.entries()) {
    const folder = begin(files)
    const store = open(folder)
    const result = await listening({ before: at(index, code) }, async () => act(store))
    const isReplaced = steps.slice(0, index).some(replacesFile)
    const isIntact = readFileSync(join(folder, NAME), 'utf8') === files[NAME]
    const after = await store.update(adding('d'))
    const found = [
      ...(result.ok ? missing(result, wanted) : wrongs(result, folder, code)),
      // After the rename it cannot be undone, but nobody was told that it is safe.
      ...(result.ok || isReplaced || isIntact ? [] : ['the old file is not intact']),
      ...missing(after, result.ok ? [...wanted, 'b', 'd'] : ['a', 'b', 'd']),
      ...strangers(folder),
    ]
    harm.push(...found.map((what) => `call ${index}, ${nameOf(failing)}: ${what}`))
  }
  return harm
}

function wrongs(result: StoreResult & { ok: false }, folder: string, code: Code): string[] {
  const { problem } = result
  const said = [' cannot be read', ' cannot be written', '.bak-* cannot be read'].map(
    (what) => `The accounts file ${join(folder, NAME)}${what}: ${WORDS[code]}`,
  )
  return said.includes(problem.message) ? [] : [`${problem.code}: ${problem.message}`]
}

function missing(result: StoreResult, wanted: readonly string[]): string[] {
  if (!result.ok) return [`${result.problem.code}: ${result.problem.message}`]
  const there = new Set(uuids(result))
  return wanted.filter((uuid) => !there.has(uuid)).map((uuid) => `account ${uuid} is missing`)
}

/** What should not be in the folder, or be open to others. */
function strangers(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const { mode } = statSync(join(folder, name))
    if ((mode & 0o777) !== 0o600) return [`${name} has mode ${mode.toString(8)}`]
    return /^accounts\.json(\.bak-[01]|\.corrupt-[0-9a-f]{12})?$/.test(name)
      ? []
      : [`left: ${name}`]
  })
}

async function stepsOf(files: Files, act: (store: AccountStore) => Promise<StoreResult>) {
  const steps: DiskStep[] = []
  const store = open(begin(files))
  await listening({ before: (step) => void steps.push(step) }, async () => act(store))
  return steps
}

function at(index: number, code: Code) {
  let seen = 0
  return () => {
    seen += 1
    if (seen === index + 1) throw fault(code)
  }
}

function from(index: number, needs: (step: DiskStep) => boolean, code: Code) {
  let seen = 0
  return (step: DiskStep) => {
    seen += 1
    if (seen > index && needs(step)) throw fault(code)
  }
}

function replacesFile({ call, args }: DiskStep): boolean {
  return call === 'renameSync' && String(args[1]).endsWith(NAME)
}

function nameOf({ call, args }: DiskStep): string {
  return call === 'open' && String(args[1]).includes('w') ? 'open to write' : call
}

function begin(files: Files): string {
  const folder = temporaryFolder(MEMORY)
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  return folder
}

function open(folder: string, time = Date.now()): AccountStore {
  return createFileStore({ file: join(folder, NAME), now: () => time, lockWaitMs: 1_000 })
}

function generation(rev: number, ...names: readonly string[]): string {
  const accounts = names.map((name) => rawAccount(name))
  return rawDocument(accounts, { rev })
}
