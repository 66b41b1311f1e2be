import { mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type AuthPlace,
  EMPTY_ENTRY,
  ensureAuthEntry,
  entryAfterLogin,
} from '../../src/host/auth-entry.ts'
import type { AuthSource } from '../../src/host/auth-file.ts'
import { temporaryFolder } from '../store/examples.ts'

const anthropic = { id: 'anthropic', name: 'Anthropic' }
const openai = { id: 'openai', name: 'OpenAI' }
const GOOD = { type: 'oauth', refresh: 'canary-rt', access: 'canary-at', expires: 1 }
const KEY = { type: 'api', key: 'canary-sk' }
const DIRECT_KEY = { ...KEY, metadata: { 'opencode-rota': 'direct' } }

/** What is there and usable, or of a kind that may be newer than we are. */
const GOOD_ENTRIES = [
  ['a login', GOOD],
  ['a login with fields of its own', { ...GOOD, enterpriseUrl: 'https://x.test', more: [1] }],
  ['the empty entry', EMPTY_ENTRY],
  ['an API key', KEY],
  ['an entry of a type that is not known', { type: 'passkey', id: 7 }],
] as const

describe('the entry in OpenCode’s login file', () => {
  it.each(GOOD_ENTRIES)('is left alone when it is %s', async (_, entry) => {
    const source = sourceWith(JSON.stringify({ anthropic: entry, openai: KEY }))
    const host = hostOf(source)
    expect(await host.ensure(anthropic)).toEqual({ kind: 'kept' })
    expect(host.writes()).toBe(0)
  })

  it('is written into a file that does not name the provider, whose rest stays', async () => {
    const source = sourceWith(JSON.stringify({ openai: GOOD, other: KEY }))
    expect(await hostOf(source).ensure(anthropic)).toEqual({ kind: 'written' })
    expect(entriesOf(source)).toEqual({ openai: GOOD, other: KEY, anthropic: EMPTY_ENTRY })
  })

  it('is written once into a missing file by many at a time, without undoing another’s', async () => {
    const source = sourceWith(undefined)
    const host = hostOf(source)
    const wanted = [anthropic, openai, anthropic, openai, anthropic, openai]
    const results = await Promise.all(wanted.map(host.ensure))
    expect(entriesOf(source)).toEqual({ anthropic: EMPTY_ENTRY, openai: EMPTY_ENTRY })
    expect(host.writes()).toBe(2)
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(2)
    expect(results.filter(({ kind }) => kind === 'kept')).toHaveLength(4)
    expect(readdirSync(dirname(source.file))).toEqual(['auth.json'])
  })

  it.each(['', '{', '[]', '7', 'null'])(
    'is not written into %j, which is no login file',
    async (text) => {
      await expectRefusal(sourceWith(text), 'cannot be read')
    },
  )

  it('is not written where a folder stands in the file’s place', async () => {
    const source = sourceWith(undefined)
    mkdirSync(source.file)
    await expectRefusal(source, 'cannot be read')
  })

  it.each([
    ['of another provider', { openai: { ...GOOD, expires: 1.5 } }, 'deletes'],
    ['of a newer type', { openai: { type: 'passkey' } }, 'deletes'],
    ['of its own', { anthropic: { ...GOOD, expires: -1 } }, 'is not valid'],
  ])('is not written when the host would drop an entry %s', async (_, entries, why) => {
    await expectRefusal(sourceWith(JSON.stringify(entries)), why)
  })

  it('is not written over what the file holds when the host was given other logins', async () => {
    const source = { ...sourceWith(JSON.stringify({ openai: GOOD })), given: '{"openai":{}}' }
    await expectRefusal(source, 'OPENCODE_AUTH_CONTENT')
    const kept = { ...source, given: JSON.stringify({ anthropic: KEY }) }
    expect(await hostOf(kept).ensure(anthropic)).toEqual({ kind: 'kept' })
  })

  it('is not called written when the host could not write it', async () => {
    const source = sourceWith(undefined)
    await expect(ensureAuthEntry({ provider: anthropic, source, write: fail })).rejects.toThrow(
      'no',
    )
    // And the lock is free again.
    expect(await hostOf(source).ensure(anthropic)).toEqual({ kind: 'written' })
  })
})

describe('after a login the host', () => {
  it.each(GOOD_ENTRIES)('keeps %s', async (_, entry) => {
    const source = sourceWith(JSON.stringify({ anthropic: entry }))
    expect(await entryAfterLogin({ provider: anthropic, source })).toEqual({
      isWanted: false,
      warning: undefined,
    })
  })

  it.each([
    ['nothing', '{}'],
    ['what it cannot read', JSON.stringify({ anthropic: { type: 'oauth', refresh: 'canary-rt' } })],
  ])('stores the empty entry where it has %s', async (_, text) => {
    expect(await entryAfterLogin({ provider: anthropic, source: sourceWith(text) })).toEqual({
      isWanted: true,
      warning: undefined,
    })
  })

  it('is not asked to write a file that it would empty, and the person hears why', async () => {
    const given = { ...sourceWith('{}'), given: '{}' }
    for (const source of [sourceWith('{ no JSON'), given]) {
      const { isWanted, warning } = await entryAfterLogin({ provider: anthropic, source })
      expect(isWanted).toBe(false)
      expect(warning).toContain('OpenCode does not use the Anthropic accounts.')
    }
  })

  it.each([
    ['an OpenAI key', openai, KEY],
    ['a key that it is to use itself', anthropic, DIRECT_KEY],
  ])('keeps %s, and the person hears that the accounts wait for it', async (_, provider, key) => {
    const source = sourceWith(JSON.stringify({ [provider.id]: key }))
    const { isWanted, warning } = await entryAfterLogin({ provider, source })
    expect(isWanted).toBe(false)
    expect(warning).toContain('opencode auth logout')
  })
})

function sourceWith(text: string | undefined): AuthSource {
  const file = join(temporaryFolder(), 'auth.json')
  if (text !== undefined) {
    writeFileSync(file, text)
    utimesSync(file, 1_000, 1_000)
  }
  return { file, given: undefined }
}

/**
 * The host as it writes its file: it reads, then writes everything anew, without a lock. Strict: it
 * takes the empty entry alone, and only where nothing is.
 */
function hostOf(source: AuthSource) {
  let writes = 0
  const ensure = (provider: AuthPlace['provider']) =>
    ensureAuthEntry({
      provider,
      source,
      async write(entry) {
        writes += 1
        expect(entry).toEqual({ type: 'oauth', refresh: '', access: '', expires: 0 })
        const text = await readFile(source.file, 'utf8').catch(() => '{}')
        const entries: object = JSON.parse(text)
        expect(entries).not.toHaveProperty(provider.id)
        await new Promise((resolve) => setImmediate(resolve))
        await writeFile(source.file, JSON.stringify({ ...entries, [provider.id]: entry }))
      },
    })
  return { ensure, writes: () => writes }
}

async function expectRefusal(source: AuthSource, why: string): Promise<void> {
  const before = snapshotOf(source.file)
  const host = hostOf(source)
  const result = await host.ensure(anthropic)
  expect(result).toMatchObject({ kind: 'refused', problem: expect.stringContaining(why) })
  expect(JSON.stringify(result)).not.toContain('canary')
  expect(host.writes()).toBe(0)
  expect(snapshotOf(source.file)).toEqual(before)
}

function fail(): Promise<never> {
  return Promise.reject(new Error('no'))
}

function snapshotOf(file: string) {
  const { mtimeMs } = statSync(file)
  return { mtimeMs, text: statSync(file).isFile() ? readFileSync(file, 'utf8') : undefined }
}

function entriesOf({ file }: AuthSource): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
