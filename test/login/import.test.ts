import { describe, expect, it } from 'vitest'
import { type FoundLogin, importLogin } from '../../src/login/import.ts'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { openai } from '../../src/provider/openai/adapter.ts'
import { secret } from '../../src/secret.ts'
import { parseDocument } from '../../src/store/document.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { jwt } from '../provider/openai/jwt.ts'

const NOW = 1_900_000_000_000
const FOUND: FoundLogin = {
  refreshToken: secret('canary-rt'),
  accessToken: secret('canary-at'),
  expiresAt: NOW - 1,
  accountId: undefined,
}

describe('a login that OpenCode has', () => {
  it('becomes the first account of an empty pool', async () => {
    const store = createMemoryStore()
    expect(await importLogin(store, anthropic, FOUND, () => NOW)).toEqual({
      kind: 'added',
      label: 'OpenCode login',
    })
    const [account, ...others] = await accountsOf(store)
    expect(others).toEqual([])
    expect(account?.refreshToken.reveal()).toBe('canary-rt')
    expect(account?.accessToken?.reveal()).toBe('canary-at')
    expect(account).toMatchObject({ expiresAt: NOW - 1, addedAt: NOW, enabled: true })
  })

  it('is known by what its token says', async () => {
    const accessToken = secret(
      jwt({
        'https://api.openai.com/auth': {
          chatgpt_account_id: 'seat-1',
          chatgpt_user_id: 'user-1',
          chatgpt_plan_type: 'plus',
        },
        'https://api.openai.com/profile': { email: 'olga@example.test' },
      }),
    )
    const store = createMemoryStore()
    await importLogin(store, openai, { ...FOUND, accessToken }, () => NOW)
    expect(await accountsOf(store)).toMatchObject([
      { accountId: 'seat-1', userId: 'user-1', planTier: 'plus', label: 'olga@example.test' },
    ])
  })

  it('believes OpenCode’s own account id before the token’s', async () => {
    const store = createMemoryStore()
    await importLogin(store, openai, { ...FOUND, accountId: 'seat-2' }, () => NOW)
    expect(await accountsOf(store)).toMatchObject([{ accountId: 'seat-2' }])
  })

  it('is taken over without an access token too', async () => {
    const store = createMemoryStore()
    const found = { ...FOUND, accessToken: undefined, expiresAt: undefined }
    expect(await importLogin(store, openai, found, () => NOW)).toMatchObject({ kind: 'added' })
    expect(await accountsOf(store)).toMatchObject([{ accessToken: undefined }])
  })

  it('is not added to accounts that are there', async () => {
    const store = storeWith('{"version":1,"accounts":[{"uuid":"a","refreshToken":"canary-a"}]}')
    expect(await importLogin(store, anthropic, FOUND, () => NOW)).toEqual({ kind: 'notNeeded' })
    expect(await accountsOf(store)).toHaveLength(1)
  })

  it('is not added beside an account that cannot be read', async () => {
    const store = storeWith('{"version":1,"accounts":[{"uuid":"a"}]}')
    expect(await importLogin(store, anthropic, FOUND, () => NOW)).toEqual({ kind: 'notNeeded' })
    expect(await accountsOf(store)).toEqual([])
  })

  it('does not come back after the person took it out, but another one does', async () => {
    const store = createMemoryStore()
    await importLogin(store, anthropic, FOUND, () => NOW)
    await store.update((document) => ({ ...document, accounts: [] }))
    expect(await importLogin(store, anthropic, FOUND, () => NOW)).toEqual({ kind: 'notNeeded' })
    const other = { ...FOUND, refreshToken: secret('canary-rt-2') }
    expect(await importLogin(store, anthropic, other, () => NOW)).toMatchObject({ kind: 'added' })
  })

  it('is remembered without its token', async () => {
    const place = createMemoryPlace()
    await importLogin(createMemoryStore(place), anthropic, FOUND, () => NOW)
    expect(JSON.stringify(place.document.extra)).not.toContain('canary')
  })

  it('is taken over once by several processes', async () => {
    const place = createMemoryPlace()
    const results = await Promise.all(
      [1, 2, 3].map(() => importLogin(createMemoryStore(place), anthropic, FOUND, () => NOW)),
    )
    expect(results.map(({ kind }) => kind).toSorted()).toEqual(['added', 'notNeeded', 'notNeeded'])
  })
})

function storeWith(text: string) {
  const parsed = parseDocument(text)
  if (!parsed.ok) throw new Error('the example is no document')
  return createMemoryStore(createMemoryPlace(parsed.document))
}

async function accountsOf(store: ReturnType<typeof createMemoryStore>) {
  const result = await store.read()
  return result.ok ? result.document.accounts : []
}
