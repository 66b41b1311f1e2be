import { describe, expect, it } from 'vitest'
import type { AccountFacts } from '../../machines/facts.ts'
import { createSync } from '../../src/pool/sync.ts'
import type { Vault } from '../../src/pool/vault.ts'
import { parseDocument } from '../../src/store/document.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import type { StoreDocument } from '../../src/store/store.ts'

describe('what is read from the store', () => {
  it('does not take back what was written since the read began', async () => {
    const { sync, place, heldRead, known, token } = start(account('token-1', { label: 'before' }))
    const arrive = heldRead()
    const loading = sync.load()
    place.document = document(account('token-2', { label: 'after' }), 2)
    sync.take(place.document)
    arrive()
    await loading
    expect(known()).toMatchObject({ label: 'after', rev: 2 })
    expect(token()).toBe('token-2')
  })

  it('brings no account back that was removed since the read began', async () => {
    const { sync, place, heldRead, told } = start(account('token-1'))
    const arrive = heldRead()
    const loading = sync.load()
    sync.take({ ...place.document, rev: 2, accounts: [] })
    arrive()
    await loading
    expect(told.at(-1)).toEqual([])
  })

  it('is taken from a program that keeps no count', () => {
    const { sync, known } = start(account('token-1'), 7)
    sync.take(document(account('token-1', { label: 'by another program' }), 0))
    expect(known()).toMatchObject({ label: 'by another program' })
  })

  it('is what stood there after the call, whoever else was reading', async () => {
    const { sync, place, heldRead, known } = start(account('token-1'))
    const arrive = heldRead()
    const early = sync.load()
    place.document = document(account('token-2', { label: 'after' }), 2)
    const late = sync.load()
    arrive()
    await early
    expect(known()?.label).not.toBe('after')
    await late
    expect(known()?.label).toBe('after')
  })
})

describe('whoever wants to be up to date', () => {
  it('waits for a read that is on its way, though the file did not change since', async () => {
    const { sync, place, heldRead, known } = start(account('token-1'))
    place.document = document(account('token-2', { label: 'after' }), 2)
    const arrive = heldRead()
    // As the watch does. It has looked at the file, so that the file now looks known.
    void sync.load()
    const upToDate = sync.loadIfChanged()
    expect(upToDate).toBeDefined()
    arrive()
    await upToDate
    expect(known()?.label).toBe('after')
    expect(sync.loadIfChanged()).toBeUndefined()
  })
})

describe('tokens that another program wrote', () => {
  it('are taken for newer, and counted here, when it keeps no count', () => {
    const { sync, token, known } = start(account('token-1', { tokenVersion: 5 }))
    sync.take(document(account('token-2'), 2))
    expect(token()).toBe('token-2')
    expect(known()?.tokenVersion).toBe(6)
  })

  it('are taken for newer when their count is lower than ours', () => {
    const { sync, token, known } = start(account('token-1', { tokenVersion: 5 }))
    sync.take(document(account('token-2', { tokenVersion: 1 }), 2))
    expect(token()).toBe('token-2')
    expect(known()?.tokenVersion).toBe(6)
  })

  it('bring their access token even when the refresh token stayed the same', () => {
    const { sync, vault } = start(account('token-1', { tokenVersion: 5, accessToken: 'old' }))
    sync.take(document(account('token-1', { accessToken: 'new' }), 2))
    expect(vault.get('a')?.accessToken?.reveal()).toBe('new')
    expect(vault.get('a')?.version).toBe(5)
  })

  it('are older only if ours came from them', () => {
    const { sync, vault, token } = start(account('token-1', { tokenVersion: 1 }))
    const spent = vault.get('a')
    if (spent === undefined) throw new Error('no tokens')
    const [third] = [document(account('token-3')).accounts[0]?.refreshToken]
    if (third === undefined) throw new Error('no token')
    vault.set('a', { ...spent, refreshToken: third, version: 2, from: [spent.refreshToken] })
    sync.take(document(account('token-1', { tokenVersion: 9 }), 2))
    expect(token()).toBe('token-3')
    // Read back from the file, it still remembers.
    sync.take(document(account('token-3', { tokenVersion: 2 }), 3))
    sync.take(document(account('token-1', { tokenVersion: 9 }), 4))
    expect(token()).toBe('token-3')
    sync.take(document(account('token-of-a-login'), 5))
    expect(token()).toBe('token-of-a-login')
  })
})

function start(entry: Readonly<Record<string, unknown>>, rev = 1) {
  const place = createMemoryPlace(document(entry, rev))
  const store = createMemoryStore(place)
  const vault: Vault = new Map()
  const told: (readonly AccountFacts[])[] = []
  let gate: Promise<void> | undefined
  const sync = createSync({
    store: {
      ...store,
      async read() {
        const found = await store.read()
        await gate
        return found
      },
    },
    vault,
    world: { now: () => NOW, arm: () => () => {}, log: () => {} },
    views: () => ({}),
    usageOf: () => ({ usage: [], usageAt: 0 }),
    usageStored: () => undefined,
    lastUsedAt: () => 0,
    active: () => undefined,
    tell: (news) => void (news.type === 'store.changed' && told.push(news.accounts)),
    accountsFile: 'accounts.json',
  })
  sync.take(place.document)
  return {
    sync,
    place,
    vault,
    told,
    known: () => told.at(-1)?.find(({ id }) => id === 'a'),
    token: () => vault.get('a')?.refreshToken.reveal(),
    /** What is read from now on arrives when the result is called. */
    heldRead(): () => void {
      const open: { arrive?: () => void } = {}
      gate = new Promise((resolve) => (open.arrive = resolve))
      return () => open.arrive?.()
    },
  }
}

const NOW = 1_800_000_000_000

function account(refreshToken: string, fields: Readonly<Record<string, unknown>> = {}) {
  return { uuid: 'a', refreshToken, accessToken: 'access', ...fields }
}

function document(entry: Readonly<Record<string, unknown>>, rev = 1): StoreDocument {
  const parsed = parseDocument(JSON.stringify({ version: 1, rev, accounts: [entry] }))
  if (!parsed.ok) throw new Error(parsed.detail)
  return parsed.document
}
