import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EMPTY_ENTRY, EMPTY_KEY_ENTRY, ensureAuthEntry } from '../../src/host/auth-entry.ts'
import { readPoolKey } from '../../src/host/auth-file.ts'
import { addKey } from '../../src/login/add-key.ts'
import { secret } from '../../src/secret.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { EMPTY_DOCUMENT } from '../../src/store/document.ts'
import { temporaryFolder } from '../store/examples.ts'

const PROVIDER = { id: 'openai', name: 'OpenAI' }
const KEY = { type: 'api', key: 'canary-key-1', metadata: { 'opencode-rota': 'pool', label: 'w' } }

function openFile(entry: object) {
  const file = join(temporaryFolder(), 'auth.json')
  writeFileSync(file, JSON.stringify({ openai: entry }))
  const write = async (body: object) => writeFileSync(file, JSON.stringify({ openai: body }))
  const source = { file, given: undefined }
  const place = { provider: PROVIDER, source, write }
  return { place, source, now: () => JSON.parse(readFileSync(file, 'utf8')).openai }
}

describe('an entry of OpenCode with a key for the pool', () => {
  it('gives way when the key is in the pool', async () => {
    const { place, now } = openFile(KEY)
    expect(await ensureAuthEntry({ ...place, taken: secret(KEY.key) })).toEqual({ kind: 'written' })
    expect(now()).toEqual(EMPTY_ENTRY)
  })

  it('stays while its key is not: it could not be saved, or another was entered meanwhile', async () => {
    const { place, now } = openFile(KEY)
    for (const taken of [undefined, secret('canary-key-0')]) {
      expect(await ensureAuthEntry({ ...place, taken })).toEqual({ kind: 'kept' })
    }
    expect(now()).toEqual(KEY)
  })

  it.each([
    [EMPTY_ENTRY, EMPTY_KEY_ENTRY],
    [EMPTY_KEY_ENTRY, EMPTY_ENTRY],
  ])('that is empty follows what the pool has become', async (before, wanted) => {
    const { place, now } = openFile(before)
    await ensureAuthEntry({ ...place, wanted })
    expect(now()).toEqual(wanted)
    expect(await ensureAuthEntry({ ...place, wanted })).toEqual({ kind: 'kept' })
  })

  it.each([
    ['a key of the person', { type: 'api', key: 'canary-key-1' }],
    ['a key for OpenCode itself', { ...KEY, metadata: { 'opencode-rota': 'direct' } }],
    ['none yet', EMPTY_KEY_ENTRY],
    ['what cannot go into a header', { ...KEY, key: 'sk\nx' }],
  ])('is not %s', async (_, entry) => {
    expect(await readPoolKey(openFile(entry).source, 'openai')).toBe(undefined)
  })

  it('is not looked at when it was given to this process alone', async () => {
    const given = JSON.stringify({ openai: KEY })
    expect(await readPoolKey({ ...openFile(KEY).source, given }, 'openai')).toBe(undefined)
  })
})

describe('a key that is entered', () => {
  it('has a name of its own, and comes back when it is entered again', async () => {
    const store = createMemoryStore(createMemoryPlace(EMPTY_DOCUMENT))
    const add = (apiKey: string, label = '') =>
      addKey(store, { apiKey: secret(apiKey), label }, () => 5)
    expect(await add('k1')).toMatchObject({ label: 'API key', isNew: true })
    expect(await add('k2')).toMatchObject({ label: 'API key (2)', isNew: true })
    await store.update((document) => ({
      ...document,
      accounts: document.accounts.map((account) => ({
        ...account,
        isAuthDisabled: true,
        disabledReason: 'auth' as const,
      })),
    }))
    expect(await add('k2', 'work')).toMatchObject({ label: 'work', isNew: false, isEnabled: true })
    const read = await store.read()
    expect(read.ok && read.document.accounts).toMatchObject([
      { label: 'API key', isAuthDisabled: true },
      { label: 'work', isAuthDisabled: false, tokenVersion: 1 },
    ])
    expect(await add('k1', 'work')).toMatchObject({ label: 'work (2)', isNew: false })
    expect(await add('k2', 'work')).toMatchObject({ label: 'work', isNew: false })
  })
})
