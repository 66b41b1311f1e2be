import { chmodSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  disableAccount,
  enableAccount,
  moveAccount,
  removeAccount,
  removeAllAccounts,
  renameAccount,
  replaceKey,
} from '../../src/accounts/edit.ts'
import { labelAt } from '../../src/accounts/label.ts'
import { secret } from '../../src/secret.ts'
import { factsOf } from '../../src/pool/translate.ts'
import { CANARY, rawAccount } from '../store/examples.ts'
import { openFile } from './open-file.ts'

const ANN = rawAccount('a', { label: 'ann', email: 'ann@example.test', somebodyElsesField: 1 })
const BOB = rawAccount('b', { email: 'bob@example.test' })
const CAT = rawAccount('c')
const NOBODY = { kind: 'gone' }

const key = (uuid: string) => ({ uuid, label: uuid, apiKey: `${CANARY}-${uuid}` })

describe('another key of an account', () => {
  const limits = [
    { scope: 'account', window: 'burst', until: 9e12, source: 'header', observedAt: 1 },
  ]
  const refused = { ...key('k1'), disabledReason: 'auth', strikes: 3, limits, extra: 1 }

  it('takes the place of one that is refused, and keeps its limits', async () => {
    const { store, accounts } = openFile([ANN, refused])
    const result = await replaceKey(store, 'k1', secret(`${CANARY}-new`))
    expect(result).toEqual({ kind: 'changed', label: 'k1' })
    const [ann, k1] = await accounts()
    expect(k1?.accessToken?.reveal()).toBe(`${CANARY}-new`)
    expect(k1).toMatchObject({ uuid: 'k1', isAuthDisabled: false, limits, strikes: 0 })
    expect(k1?.disabledReason).toBe(undefined)
    expect(k1?.tokenVersion).toBeGreaterThan(0)
    expect(ann?.uuid).toBe('a')
  })

  it('lets the same key serve again', async () => {
    const { store, accounts } = openFile([refused])
    const same = secret(`${CANARY}-k1`)
    expect(await replaceKey(store, 'k1', same)).toMatchObject({ kind: 'changed' })
    expect((await accounts())[0]).toMatchObject({ isAuthDisabled: false, strikes: 0 })
  })

  it('stays off where the person switched it off', async () => {
    const { store, accounts } = openFile([{ ...key('k1'), enabled: false }])
    await replaceKey(store, 'k1', secret('new'))
    expect((await accounts())[0]?.enabled).toBe(false)
  })

  it('is refused when it is that of another account', async () => {
    const { store, file } = openFile([key('k1'), key('k2')])
    const before = readFileSync(file, 'utf8')
    const result = await replaceKey(store, 'k1', secret(`${CANARY}-k2`))
    expect(result).toEqual({ kind: 'inUse', label: 'k2' })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})

describe('renaming an account', () => {
  it('changes its name and nothing else', async () => {
    const { store, accounts } = openFile([ANN, BOB])
    const [before, other] = await accounts()
    expect(await renameAccount(store, 'a', '  work\u001b[31m \n seat ')).toEqual({
      kind: 'changed',
      label: 'work seat',
    })
    expect(JSON.stringify(await accounts())).toBe(
      JSON.stringify([{ ...before, label: 'work seat' }, other]),
    )
  })

  it('refuses a name that another account is known by, whatever its case', async () => {
    const { store, file } = openFile([ANN, BOB, CAT])
    const before = readFileSync(file, 'utf8')
    for (const [name, label] of [
      ['BOB@example.test', 'BOB@example.test'],
      ['account 3', 'account 3'],
    ] as const) {
      expect(await renameAccount(store, 'a', name)).toEqual({ kind: 'taken', label })
    }
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it.each([[''], [' \u200b\n'], ['x'.repeat(61)]])('refuses %j as a name', async (name) => {
    const { store } = openFile([ANN])
    expect(await renameAccount(store, 'a', name)).toEqual({ kind: 'unusable' })
  })

  it('writes nothing when the name is the same', async () => {
    const { store, file } = openFile([ANN])
    const before = readFileSync(file, 'utf8')
    expect(await renameAccount(store, 'a', 'ann')).toEqual({ kind: 'unchanged', label: 'ann' })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('lets one of two processes have a name that both want', async () => {
    const { store, open, accounts } = openFile([ANN, BOB, CAT])
    const results = await Promise.all([
      renameAccount(store, 'a', 'mine'),
      renameAccount(open(), 'b', 'mine'),
    ])
    expect(results.map(({ kind }) => kind).toSorted()).toEqual(['changed', 'taken'])
    expect((await accounts()).filter(({ label }) => label === 'mine')).toHaveLength(1)
  })
})

describe('switching an account off and on', () => {
  it('says who did it, and is undone without a trace', async () => {
    const { store, accounts } = openFile([ANN])
    const [before] = await accounts()
    expect(await disableAccount(store, 'a')).toEqual({ kind: 'changed', label: 'ann' })
    expect(await accounts()).toMatchObject([{ enabled: false, disabledReason: 'user' }])
    expect(await disableAccount(store, 'a')).toEqual({ kind: 'unchanged', label: 'ann' })
    expect(await enableAccount(store, 'a')).toEqual({ kind: 'changed', label: 'ann' })
    expect(JSON.stringify(await accounts())).toBe(JSON.stringify([before]))
    expect(await enableAccount(store, 'a')).toEqual({ kind: 'unchanged', label: 'ann' })
  })

  it('gives an account another chance that failed too often', async () => {
    const broken = { isAuthDisabled: true, disabledReason: 'auth', authDisabledReason: 'refused' }
    const { store, accounts } = openFile([
      rawAccount('a', { ...broken, consecutiveAuthFailures: 3, authRetryAt: 9 }),
    ])
    expect(await enableAccount(store, 'a')).toMatchObject({ kind: 'changed' })
    const [account] = await accounts()
    expect(account).toMatchObject({
      isAuthDisabled: false,
      consecutiveAuthFailures: 0,
      authRetryAt: 0,
    })
    expect([account?.disabledReason, account?.authDisabledReason]).toEqual([undefined, undefined])
  })

  it.each([['revoked'], ['lost']])('asks for a login when its own is %s', async (reason) => {
    const { store, file } = openFile([
      rawAccount('a', { label: 'ann', isAuthDisabled: true, disabledReason: reason }),
    ])
    const before = readFileSync(file, 'utf8')
    expect(await enableAccount(store, 'a')).toEqual({ kind: 'needsLogin', label: 'ann' })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})

describe('the order of accounts', () => {
  it.each([
    ['c', 1, ['c', 'a', 'b']],
    ['a', 2, ['b', 'a', 'c']],
    ['a', 99, ['b', 'c', 'a']],
    ['b', -4, ['b', 'a', 'c']],
  ])('puts %s at place %i', async (uuid, place, order) => {
    const { store, accounts } = openFile([ANN, BOB, CAT])
    expect(await moveAccount(store, uuid, place)).toMatchObject({ kind: 'changed' })
    expect((await accounts()).map((account) => account.uuid)).toEqual(order)
  })

  it('writes nothing when an account stands there', async () => {
    const { store, file } = openFile([ANN, BOB])
    const before = readFileSync(file, 'utf8')
    expect(await moveAccount(store, 'b', 2)).toMatchObject({ kind: 'unchanged' })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})

describe('removing accounts', () => {
  it('removes one, with its token, and forgets that it was in use', async () => {
    const { store, file } = openFile([ANN, BOB], { activeAccountUuid: 'a' })
    expect(await removeAccount(store, 'a')).toEqual({ kind: 'changed', label: 'ann' })
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain(`${CANARY}-a`)
    expect(text).toContain(`${CANARY}-b`)
    expect(text).not.toContain('activeAccountUuid')
  })

  it('removes all, those that cannot be read among them, and keeps the rest of the file', async () => {
    const { store, file } = openFile([ANN, { refreshToken: `${CANARY}-x` }], { theirs: 'stays' })
    expect(await removeAllAccounts(store)).toEqual({ kind: 'removed', count: 2 })
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain(CANARY)
    expect(text).toContain('stays')
    expect(await removeAllAccounts(store)).toEqual({ kind: 'removed', count: 0 })
  })

  it('leaves the token in no copy, and all others in every copy', async () => {
    const { store, file, folder, accounts } = openFile([ANN, BOB, CAT])
    for (const name of ['one', 'two', 'three']) await renameAccount(store, 'c', name)
    const filesWith = (token: string) =>
      readdirSync(folder).filter((name) => readFileSync(join(folder, name), 'utf8').includes(token))
    const everywhere = ['accounts.json', 'accounts.json.bak-0', 'accounts.json.bak-1']
    expect(filesWith(`${CANARY}-a`)).toEqual(everywhere)
    await removeAccount(store, 'a')
    expect(filesWith(`${CANARY}-a`)).toEqual([])
    expect(filesWith(`${CANARY}-b`)).toEqual(everywhere)
    for (const damaged of ['', '{']) {
      writeFileSync(file, damaged)
      expect((await accounts()).map(({ uuid }) => uuid)).toEqual(['b', 'c'])
    }
    await removeAllAccounts(store)
    expect(filesWith(CANARY)).toEqual([])
  })

  it('leaves no copy that cannot be replaced', async () => {
    const { store, file, folder } = openFile([ANN, BOB])
    await renameAccount(store, 'b', 'other')
    const [copy = ''] = readdirSync(folder).filter((name) => name.includes('.bak-'))
    const slot = copy.endsWith('0') ? 1 : 0
    writeFileSync(`${file}.bak-${slot}`, readFileSync(file), { mode: 0o600 })
    // Such a file is never written over, as anybody could have put something else there.
    chmodSync(join(folder, copy), 0o666)
    await removeAccount(store, 'a')
    expect(readdirSync(folder)).toEqual(['accounts.json', `accounts.json.bak-${slot}`])
    expect(readFileSync(`${file}.bak-${slot}`, 'utf8')).not.toContain(`${CANARY}-a`)
  })

  it('removes what another process added meanwhile when all are to go', async () => {
    const { store, open, accounts } = openFile([ANN])
    await store.read()
    await open().update((document) => ({
      ...document,
      accounts: [
        ...document.accounts,
        ...document.accounts.map((each) => ({ ...each, uuid: 'd' })),
      ],
    }))
    expect(await removeAllAccounts(store)).toEqual({ kind: 'removed', count: 2 })
    expect(await accounts()).toEqual([])
  })
})

describe('any change', () => {
  const CHANGES = [
    ['rename', (store) => renameAccount(store, 'a', 'new')],
    ['enable', (store) => enableAccount(store, 'a')],
    ['disable', (store) => disableAccount(store, 'a')],
    ['move', (store) => moveAccount(store, 'a', 2)],
    ['remove', (store) => removeAccount(store, 'a')],
  ] as const satisfies readonly [
    string,
    (store: ReturnType<typeof openFile>['store']) => Promise<unknown>,
  ][]

  it.each(CHANGES)('says that the account is gone: %s', async (_name, change) => {
    const { store, open, accounts } = openFile([ANN, BOB])
    await store.read()
    await removeAccount(open(), 'a')
    expect(await change(store)).toEqual(NOBODY)
    expect((await accounts()).map(({ uuid }) => uuid)).toEqual(['b'])
  })

  it.each(CHANGES)(
    'keeps a token that another process has just renewed: %s',
    async (_name, change) => {
      const { store, open, file } = openFile([rawAccount('a', { enabled: false }), BOB])
      await store.read()
      await open().update((document) => ({
        ...document,
        accounts: document.accounts.map((account) => ({ ...account, tokenVersion: 7 })),
      }))
      await change(store)
      const versions = readFileSync(file, 'utf8').match(/"tokenVersion": 7/g)
      expect(versions).toHaveLength(_name === 'remove' ? 1 : 2)
    },
  )

  it.runIf(process.getuid?.() !== 0)('says why the file cannot be written', async () => {
    const { store, folder } = openFile([ANN])
    chmodSync(folder, 0o500)
    expect(await renameAccount(store, 'a', 'new')).toMatchObject({
      kind: 'failed',
      problem: { code: 'unwritable' },
    })
    chmodSync(folder, 0o700)
  })

  it('says why a file that cannot be used is left alone', async () => {
    const { store } = openFile([ANN], { version: 9 })
    expect(await removeAllAccounts(store)).toMatchObject({
      kind: 'failed',
      problem: { code: 'newer' },
    })
    expect(await removeAccount(store, 'a')).toMatchObject({ kind: 'failed' })
  })
})

describe('the name of an account', () => {
  it('is the one that the pool knows it by', async () => {
    const { accounts } = openFile([ANN, BOB, CAT, rawAccount('d', { label: ' \u200b ' })])
    const names = (await accounts()).map(labelAt)
    expect(names).toEqual(['ann', 'bob@example.test', 'account 3', 'account 4'])
    const facts = (await accounts()).map((account, position) =>
      factsOf(account, { rev: 1, position, now: 1 }),
    )
    expect(facts.map(({ label }) => label)).toEqual(names)
  })
})
