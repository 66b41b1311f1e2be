import { expect, it } from 'vitest'
import type { AccountFacts } from '../../machines/facts.ts'
import { createSync } from '../../src/pool/sync.ts'
import { secret } from '../../src/secret.ts'
import { parseDocument } from '../../src/store/document.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'

it('does not write a doubt onto a login of which the file has counted less than this process', async () => {
  const store = createMemoryStore(createMemoryPlace(documentWith('first')))
  let facts: AccountFacts | undefined
  const sync = createSync({
    store,
    vault: new Map(),
    world: { now: () => 0, arm: () => () => {}, log: () => {} },
    views: () =>
      facts === undefined ? {} : { a: { id: 'a', state: 'active', facts, renewing: false } },
    usageOf: () => ({ usage: [], usageAt: 0 }),
    usageStored: () => undefined,
    lastUsedAt: () => 0,
    active: () => undefined,
    tell: (news) => {
      if (news.type === 'store.changed') facts = news.accounts[0]
    },
    accountsFile: 'accounts',
  })
  await sync.load()
  // Another program renews and does not count.
  await put('second', 0)
  await sync.load()
  await put('third', 0)
  await sync.load()
  if (facts !== undefined) facts = { ...facts, disabledReason: 'lost', disabledDetail: 'cut off' }
  sync.save('a')
  await put('new login', 1)
  await sync.flush()

  const stored = await store.read()
  expect(stored.ok && stored.document.accounts[0]).toMatchObject({
    isAuthDisabled: false,
    disabledReason: undefined,
  })

  async function put(refreshToken: string, tokenVersion: number): Promise<void> {
    await store.update((document) => ({
      ...document,
      accounts: document.accounts.map((account) => ({
        ...account,
        refreshToken: secret(refreshToken),
        tokenVersion,
      })),
    }))
  }
})

function documentWith(refreshToken: string) {
  const accounts = [{ uuid: 'a', refreshToken, accessToken: 'access' }]
  const parsed = parseDocument(JSON.stringify({ version: 1, accounts }))
  if (!parsed.ok) throw new Error(parsed.detail)
  return parsed.document
}
