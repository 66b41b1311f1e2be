import { describe, expect, it } from 'vitest'
import { saveLogin } from '../../src/login/save.ts'
import type { Login } from '../../src/provider/login.ts'
import { secret } from '../../src/secret.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { document, rawAccount, rawDocument } from '../store/examples.ts'

const NOW = 1_800_000_000_000
const now = () => NOW

function login(known: Partial<Login> = {}): Login {
  return {
    accessToken: secret('canary-at-new'),
    refreshToken: secret('canary-rt-new'),
    expiresAt: NOW + 3_600_000,
    accountId: 'account-1',
    userId: 'user-1',
    email: 'one@example.test',
    planTier: 'plus',
    ...known,
  }
}

/** Saves the login into a pool of these accounts; what it holds then, and what was said. */
async function saved(accounts: readonly unknown[], newLogin: Login = login()) {
  const place = createMemoryPlace(document(rawDocument(accounts)))
  const result = await saveLogin(createMemoryStore(place), newLogin, now)
  return { result, accounts: place.document.accounts }
}

/** The name that this login gets beside accounts with these names. */
async function labelOf(labels: readonly string[], newLogin: Login): Promise<string | undefined> {
  const others = labels.map((label) => rawAccount(label, { label, accountId: 'other' }))
  return (await saved(others, newLogin)).accounts.at(-1)?.label
}

describe('the login of somebody new', () => {
  it('becomes an account with all that is known', async () => {
    const { result, accounts } = await saved([])
    expect(result).toEqual({ ok: true, label: 'one@example.test', isNew: true, isEnabled: true })
    expect(accounts).toMatchObject([
      {
        uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        accountId: 'account-1',
        userId: 'user-1',
        email: 'one@example.test',
        label: 'one@example.test',
        planTier: 'plus',
        addedAt: NOW,
        expiresAt: NOW + 3_600_000,
        enabled: true,
        isAuthDisabled: false,
      },
    ])
    expect(accounts[0]?.accessToken?.reveal()).toBe('canary-at-new')
    expect(accounts[0]?.refreshToken.reveal()).toBe('canary-rt-new')
  })

  it('goes behind the others, which stay as they are', async () => {
    const { accounts } = await saved([rawAccount('one'), rawAccount('two')])
    expect(accounts.slice(0, 2)).toEqual(
      document(rawDocument([rawAccount('one'), rawAccount('two')])).accounts.map((account) => ({
        ...account,
        refreshToken: expect.anything(),
      })),
    )
    expect(accounts).toHaveLength(3)
  })

  it('gets a name that no other has', async () => {
    const nameless = login({ email: undefined })
    expect(await labelOf([], nameless)).toBe('account 1')
    expect(await labelOf(['account 2'], nameless)).toBe('account 3')
    expect(await labelOf(['one@example.test'], login())).toBe('one@example.test (2)')
    expect(await labelOf([], login({ email: '\u001b[31m\u202eone@\nexample.test' }))).toBe(
      'one@ example.test',
    )
  })

  it.each([
    ['another seat of the same account', { userId: 'user-2' }],
    ['another account of the same person and e-mail', { accountId: 'account-2' }],
    ['an account of which only the e-mail is known', { accountId: undefined }],
  ])('is not mixed up with %s', async (_what, stored) => {
    const known = { accountId: 'account-1', userId: 'user-1', email: 'one@example.test' }
    const { result, accounts } = await saved([rawAccount('one', { ...known, ...stored })])
    expect(result).toMatchObject({ ok: true, isNew: true })
    expect(accounts.map(({ refreshToken }) => refreshToken.reveal())).toEqual([
      'canary-rt-5f1e-one',
      'canary-rt-new',
    ])
  })

  it('is not mixed up with a seat when it could be either of two', async () => {
    const seats = ['user-1', 'user-2'].map((userId) =>
      rawAccount(userId, { accountId: 'account-1', userId }),
    )
    const { result } = await saved(seats, login({ userId: undefined }))
    expect(result).toMatchObject({ ok: true, isNew: true })
  })
})

describe('the login of somebody who is known', () => {
  const BROKEN = {
    accountId: 'account-1',
    userId: 'user-1',
    label: 'mine',
    tokenVersion: 7,
    isAuthDisabled: true,
    authDisabledReason: 'the token was revoked',
    disabledReason: 'revoked',
    consecutiveAuthFailures: 3,
    authRetryAt: NOW + 60_000,
    limits: [{ scope: 'account', window: '7d', until: NOW + 1, source: 'header', observedAt: NOW }],
    somebodyElsesField: 'stays',
  }

  it('repairs the account and leaves the rest of it alone', async () => {
    const { result, accounts } = await saved([rawAccount('one', BROKEN), rawAccount('two')])
    expect(result).toEqual({ ok: true, label: 'mine', isNew: false, isEnabled: true })
    expect(accounts).toHaveLength(2)
    expect(accounts[0]).toMatchObject({
      uuid: 'one',
      label: 'mine',
      email: 'one@example.test',
      planTier: 'plus',
      tokenVersion: 8,
      expiresAt: NOW + 3_600_000,
      isAuthDisabled: false,
      authDisabledReason: undefined,
      disabledReason: undefined,
      consecutiveAuthFailures: 0,
      authRetryAt: 0,
      enabled: true,
      limits: BROKEN.limits,
      extra: { somebodyElsesField: 'stays' },
    })
    expect(accounts[0]?.refreshToken.reveal()).toBe('canary-rt-new')
    expect(accounts[0]?.accessToken?.reveal()).toBe('canary-at-new')
  })

  it('does not turn on what the person turned off', async () => {
    const off = { ...BROKEN, enabled: false, isAuthDisabled: false, disabledReason: 'user' }
    const { result, accounts } = await saved([rawAccount('one', off)])
    expect(result).toMatchObject({ isNew: false, isEnabled: false })
    expect(accounts[0]).toMatchObject({ enabled: false, disabledReason: 'user' })
  })

  it.each([
    ['the file knows no seat', { userId: undefined }, {}],
    ['the login names no seat', {}, { userId: undefined }],
    ['the two name the seat differently', {}, { userId: 'user-1__account-1' }],
  ])('is recognised where %s', async (_what, stored, given) => {
    const { result } = await saved([rawAccount('one', { ...BROKEN, ...stored })], login(given))
    expect(result).toMatchObject({ isNew: false })
  })

  it('is recognised by the seat where several accounts would fit', async () => {
    const loose = rawAccount('loose', { accountId: 'account-1' })
    const { accounts } = await saved([loose, rawAccount('exact', BROKEN)])
    expect(accounts.map(({ tokenVersion }) => tokenVersion)).toEqual([0, 8])
  })
})

it('hands on why the pool could not be written', async () => {
  const store = createMemoryStore()
  const problem = { code: 'unwritable', message: 'The disk is full.' } as const
  const full = { ...store, update: async () => ({ ok: false, problem }) as const }
  expect(await saveLogin(full, login(), now)).toEqual({ ok: false, problem })
})
