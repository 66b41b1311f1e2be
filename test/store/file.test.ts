import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFileStore } from '../../src/store/file.ts'
import type { StoreResult } from '../../src/store/store.ts'
import { describeAccountStore } from '../contract/store.ts'
import {
  CANARY,
  adding,
  contents,
  rawAccount,
  rawDocument,
  temporaryFolder,
  uuids,
} from './examples.ts'

const IS_ROOT = process.getuid?.() === 0
const NAME = 'accounts.json'

const open = (file: string) => createFileStore({ file, now: Date.now, lockWaitMs: 2_000 })
const newFile = () => join(temporaryFolder(), NAME)

describeAccountStore('the file store', () => {
  const file = join(temporaryFolder(), 'a', 'new', 'folder', NAME)
  return () => open(file)
})

describe('reading', () => {
  it('writes nothing when there is nothing to repair', async () => {
    const folder = temporaryFolder()
    await open(join(folder, NAME)).read()
    expect(contents(folder)).toEqual({})
    writeFileSync(join(folder, NAME), rawDocument([rawAccount('a'), null]))
    const before = [contents(folder), statSync(folder).mtimeMs]
    expect(uuids(await open(join(folder, NAME)).read())).toEqual(['a'])
    expect([contents(folder), statSync(folder).mtimeMs]).toEqual(before)
  })

  it('waits for a program that writes in place to finish', async () => {
    const file = newFile()
    const text = rawDocument([rawAccount('a')])
    writeFileSync(file, text.slice(0, 40))
    const reading = open(file).read()
    await new Promise(setImmediate)
    writeFileSync(file, text)
    expect(await reading).toMatchObject({ ok: true, warnings: [] })
    expect(readdirSync(join(file, '..'))).toEqual([NAME])
  })
})

describe('updating', () => {
  it('keeps what other programs wrote, and counts on after they dropped the revision', async () => {
    const file = newFile()
    await open(file).update(adding('a'))
    await open(file).update(adding('b'))
    writeFileSync(file, rawDocument([rawAccount('x', { theirs: 1 })], { tool: 'other' }))
    await open(file).update(adding('y'))
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      rev: 3,
      tool: 'other',
      accounts: [{ uuid: 'x', theirs: 1 }, { uuid: 'y' }],
    })
  })

  it('keeps two copies that only the owner can read', async () => {
    const folder = temporaryFolder()
    for (const name of ['a', 'b', 'c']) await open(join(folder, NAME)).update(adding(name))
    expect(readdirSync(folder)).toEqual([NAME, `${NAME}.bak-0`, `${NAME}.bak-1`])
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    }
  })

  it('begins anew when another program writes between reading and writing', async () => {
    const file = newFile()
    const store = open(file)
    await store.update(adding('a'))
    let runs = 0
    const result = await store.update((document) => {
      runs += 1
      if (runs === 1) writeFileSync(file, rawDocument([rawAccount('x')], { rev: 7 }))
      return adding('b')(document)
    })
    expect([runs, uuids(result)]).toEqual([2, ['x', 'b']])
    expect(result).toMatchObject({ document: { rev: 8 } })
  })

  it('begins anew when its lock was taken away', async () => {
    const file = newFile()
    const store = open(file)
    let runs = 0
    const result = await store.update((document) => {
      runs += 1
      if (runs === 1) rmSync(`${file}.lock`, { recursive: true })
      return adding('a')(document)
    })
    expect([runs, uuids(result)]).toEqual([2, ['a']])
  })

  it('removes what killed processes left over, but nothing young', async () => {
    const folder = temporaryFolder()
    const old = [`.${NAME}.abc.tmp`, `.${NAME}.bak-1.abc.tmp`, `${NAME}.lock-taken-abc`]
    for (const name of [...old, `.${NAME}.young.tmp`, '.other.abc.tmp']) {
      writeFileSync(join(folder, name), CANARY)
    }
    const longAgo = new Date(Date.now() - 120_000)
    for (const name of [...old, '.other.abc.tmp']) utimesSync(join(folder, name), longAgo, longAgo)
    await open(join(folder, NAME)).update(adding('a'))
    expect(readdirSync(folder)).toEqual(
      ['.other.abc.tmp', `.${NAME}.young.tmp`, NAME, `${NAME}.bak-1`].toSorted(),
    )
  })

  it('writes through a symbolic link and keeps it', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'dotfiles'))
    symlinkSync(join('dotfiles', NAME), join(folder, NAME))
    const store = open(join(folder, NAME))
    await store.update(adding('a'))
    expect(store.changed()).toBe(false)
    expect(readdirSync(folder)).toEqual([NAME, 'dotfiles'])
    expect(uuids(await open(join(folder, 'dotfiles', NAME)).read())).toEqual(['a'])
  })

  it('says that it is busy when another program keeps the lock', async () => {
    const file = newFile()
    mkdirSync(`${file}.lock`)
    const store = createFileStore({ file, now: Date.now, lockWaitMs: 100 })
    expect(await store.update(adding('a'))).toMatchObject(problem('busy', file))
    expect(existsSync(file)).toBe(false)
  })
})

describe('a damaged file', () => {
  const damages = [
    ['cut short', (text: string) => text.slice(0, -30)],
    ['empty', () => ''],
    ['white', () => ' \n'],
    ['full of zeros', () => '\0'.repeat(300)],
    ['something else', () => `${CANARY}, or so`],
    ['another JSON', () => '{"accounts":{}}'],
  ] as const

  it.each(damages)('that is %s is kept, and the newest copy restored', async (name, damage) => {
    const folder = temporaryFolder()
    const file = join(folder, NAME)
    for (const uuid of ['a', 'b', 'c']) await open(file).update(adding(uuid))
    const damaged = damage(readFileSync(file, 'utf8'))
    writeFileSync(file, damaged, { mode: 0o644 })
    const result = await open(file).read()
    expect(uuids(result)).toEqual(['a', 'b', 'c'])
    expect(result).toMatchObject({ warnings: [expect.stringContaining('revision 3')] })
    expectSilence(result)
    expect(uuids(await open(file).update(adding('d')))).toEqual(['a', 'b', 'c', 'd'])
    const kept = readdirSync(folder).filter((entry) => entry.includes('corrupt'))
    const isBlank = ['empty', 'white', 'full of zeros'].includes(name)
    expect(kept).toHaveLength(isBlank ? 0 : 1)
    for (const entry of kept) {
      expect(readFileSync(join(folder, entry), 'utf8')).toBe(damaged)
      expect(statSync(join(folder, entry)).mode & 0o777).toBe(0o600)
    }
  })

  it('is restored from the older copy when the newer one is damaged too', async () => {
    const file = newFile()
    for (const uuid of ['a', 'b', 'c']) await open(file).update(adding(uuid))
    for (const path of [file, `${file}.bak-1`]) writeFileSync(path, '{')
    expect(uuids(await open(file).update((document) => document))).toEqual(['a', 'b'])
  })

  it('is repaired once when many find it at the same time', async () => {
    const folder = temporaryFolder()
    const file = join(folder, NAME)
    await open(file).update(adding('a'))
    writeFileSync(file, '{')
    const results = await Promise.all([open(file), open(file), open(file)].map((one) => one.read()))
    for (const result of results) expect(uuids(result)).toEqual(['a'])
    expect(results.filter((result) => result.ok && result.warnings.length > 0)).toHaveLength(1)
    expect(readdirSync(folder).filter((name) => name.includes('corrupt'))).toHaveLength(1)
  })

  it('without a copy stays, is kept once, and is never taken for an empty one', async () => {
    const folder = temporaryFolder()
    const file = join(folder, NAME)
    writeFileSync(file, `{"accounts":[{"refreshToken":"${CANARY}`)
    for (let times = 0; times < 3; times++) {
      const store = open(file)
      const results = [await store.read(), await store.update(adding('a'))]
      for (const result of results) {
        expect(result).toMatchObject(problem('corrupt', file))
        expectSilence(result)
      }
    }
    expect(readdirSync(folder)).toEqual([NAME, expect.stringMatching(/corrupt-[0-9a-f]{12}$/)])
    expect(new Set(Object.values(contents(folder))).size).toBe(1)
  })

  it('without a copy and without a single character is an empty one', async () => {
    const folder = temporaryFolder()
    const file = join(folder, NAME)
    writeFileSync(file, ' \n')
    const result = await open(file).read()
    expect(result).toMatchObject({
      ok: true,
      document: { accounts: [] },
      warnings: [expect.stringContaining('was empty')],
    })
    expect(contents(folder)).toEqual({ [NAME]: ' \n' })
    expect(uuids(await open(file).update(adding('a')))).toEqual(['a'])
  })
})

describe('a file that is not ours to change', () => {
  const cases: readonly (readonly [string, string, (file: string) => void])[] = [
    ['of a newer version', 'newer', (file) => writeFileSync(file, newer())],
    ['that is a folder', 'not_a_file', (file) => mkdirSync(file)],
    ['to which everyone may write', 'unsafe', (file) => makeShared(file)],
    ['whose links go round in a circle', 'unreadable', (file) => symlinkSync(file, file)],
    ...(IS_ROOT
      ? [['of another user', 'unsafe', (file: string) => makeForeign(file)] as const]
      : []),
  ]

  it.each(cases)('%s is a problem, "%s", and stays as it is', async (_, code, make) => {
    const folder = temporaryFolder()
    const file = join(folder, NAME)
    make(file)
    const before = [readdirSync(folder), textOf(file)]
    const store = open(file)
    for (const result of [await store.read(), await store.update(adding('a'))]) {
      expect(result).toMatchObject(problem(code, file))
      expectSilence(result)
    }
    expect(store.changed()).toBe(false)
    expect([readdirSync(folder), textOf(file)]).toEqual(before)
  })

  it.each([
    ['its path goes through a file', join('plain', NAME)],
    ['its name is too long', 'x'.repeat(300)],
  ])('is not taken for a missing one when %s', async (_, path) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'plain'), '')
    const store = open(join(folder, path))
    expect(await store.read()).toMatchObject({ ok: false, problem: { code: 'unreadable' } })
    expect(await store.update(adding('a'))).toMatchObject({ problem: { code: 'unreadable' } })
    expect(() => store.changed()).not.toThrow()
  })
})

const newer = () => JSON.stringify({ version: 2, accounts: [rawAccount('a')] })

function makeShared(file: string): void {
  writeFileSync(file, rawDocument([rawAccount('a')]))
  chmodSync(file, 0o606)
}

function makeForeign(file: string): void {
  writeFileSync(file, rawDocument([rawAccount('a')]))
  chownSync(file, 4_242, 4_242)
}

/** Undefined for what is no file. */
function textOf(path: string): string | undefined {
  const isFile = lstatSync(path).isFile()
  return isFile ? readFileSync(path, 'utf8') : undefined
}

function problem(code: string, file: string) {
  return { ok: false, problem: { code, message: expect.stringContaining(file) } }
}

/** No message may hold anything of a token. */
function expectSilence(result: StoreResult): void {
  const said = result.ok ? result.warnings.join() : result.problem.message
  expect(said).not.toContain(CANARY)
}
