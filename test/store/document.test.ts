import * as fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { LimitRecord } from '../../machines/limits.ts'
import { type Secret, secret } from '../../src/secret.ts'
import { parseDocument, serializeDocument } from '../../src/store/document.ts'
import type { CachedWindow, StoredAccount } from '../../src/store/schema.ts'
import { CANARY, document, rawAccount, rawDocument } from './examples.ts'

const rewritten = (text: string): unknown => JSON.parse(serializeDocument(document(text)))

describe('an accounts file', () => {
  it('comes back from a rewrite as it was, unknown fields and all', () => {
    const text = rawDocument(
      [
        rawAccount('a', { futureField: { deep: [1, null] }, label: 'Work' }),
        rawAccount('b', { accessToken: `${CANARY}-at`, expiresAt: 5, strikes: 3 }),
        rawAccount('c', { strikes: 0, label: null, accessToken: 7, cachedUsage: { odd: 'x' } }),
        { uuid: 'd', refreshToken: CANARY, enabled: 'yes' },
      ],
      { rev: 4, activeAccountUuid: 'a', another: { tool: 'wrote this' } },
    )
    expect(rewritten(text)).toMatchObject(JSON.parse(text))
  })

  it('shows foreign readers only fields of their format while ours are at their default', () => {
    const text = rawDocument([rawAccount('a')], { rev: 1 })
    expect(rewritten(text)).toEqual(JSON.parse(text))
  })

  it('has revision 0 when another program wrote it', () => {
    expect(document(rawDocument([]))).toMatchObject({ rev: 0, accounts: [] })
  })

  it.each(['9', -1, 1.5, 2 ** 53, null])('does not count on from a revision of %s', (rev) => {
    expect(document(rawDocument([], { rev })).rev).toBe(0)
  })

  it('may begin with a byte order mark', () => {
    expect(document(`\uFEFF${rawDocument([rawAccount('a')])}`).accounts).toHaveLength(1)
  })

  it.each(['', '  ', '{', 'null', '[]', '7', '{}', '{"accounts":{}}', '['.repeat(100_000)])(
    'is corrupt when it holds %.20j',
    (text) => {
      expect(parseDocument(text)).toMatchObject({ ok: false, kind: 'corrupt' })
    },
  )

  it.each([2, 0, '1', null, {}])('is newer when its version is %j', (version) => {
    const parsed = parseDocument(JSON.stringify({ version, accounts: [rawAccount('a')] }))
    expect(parsed).toMatchObject({ ok: false, kind: 'newer' })
    expect(JSON.stringify(parsed)).not.toContain(CANARY)
  })
})

describe('a bad account', () => {
  const bad = [
    [
      'no token',
      rawAccount('b', { refreshToken: undefined }),
      'Account 2 has no valid "refreshToken"',
    ],
    [
      'an empty token',
      rawAccount('b', { refreshToken: ' ' }),
      'Account 2 has no valid "refreshToken"',
    ],
    ['a token that is no text', rawAccount('b', { refreshToken: 1 }), '"refreshToken"'],
    ['no uuid', rawAccount('b', { uuid: undefined }), 'Account 2 has no valid "uuid"'],
    ['the uuid of another', rawAccount('a', { label: 'copy' }), 'the same "uuid" as one before'],
    ['no fields', null, 'Account 2 is not an object'],
    ['only text', CANARY, 'Account 2 is not an object'],
    ['a list for itself', [CANARY], 'Account 2 is not an object'],
  ] as const

  it.each(bad)('with %s hides none of the others', (_, entry, problem) => {
    const text = rawDocument([rawAccount('a'), entry, rawAccount('c')])
    const { accounts, rejected } = document(text)
    expect(accounts.map(({ uuid }) => uuid)).toEqual(['a', 'c'])
    expect(rejected).toEqual([
      { index: 1, raw: JSON.parse(text).accounts[1], problem: expect.stringContaining(problem) },
    ])
    expect(rejected[0]?.problem).not.toContain(CANARY)
  })

  it.each(bad)('with %s stays in the file at its place', (_, entry) => {
    const text = rawDocument([rawAccount('a'), entry, rawAccount('c')])
    expect(rewritten(text)).toMatchObject(JSON.parse(text))
  })
})

describe('a field that cannot be used', () => {
  const text = rawDocument([
    rawAccount('a', { label: 7, enabled: 'no', limits: [{}], strikes: -1 }),
  ])

  it('has its default', () => {
    expect(document(text).accounts[0]).toMatchObject({
      label: undefined,
      enabled: true,
      limits: [],
      strikes: 0,
    })
  })

  it('stays as it is until somebody sets it', () => {
    const { accounts, ...rest } = document(text)
    const changed = accounts.map((account) => ({ ...account, label: 'Work' }))
    const [entry] = JSON.parse(serializeDocument({ ...rest, accounts: changed })).accounts
    expect(entry).toMatchObject({ label: 'Work', enabled: 'no', limits: [{}], strikes: -1 })
  })

  it('is an access token that no header can carry', () => {
    const [account] = document(rawDocument([rawAccount('a', { accessToken: 'a\nb' })])).accounts
    expect(account?.accessToken).toBeUndefined()
  })
})

describe('a field with the name __proto__', () => {
  const hostile = `{"version":1,"__proto__":{"polluted":1},"accounts":[{"uuid":"a","refreshToken":
    "${CANARY}","__proto__":{"polluted":1},"extra":{"__proto__":{"polluted":1}},
    "constructor":{"prototype":{"polluted":1}},"cachedUsage":{"__proto__":null}}]}`

  it('changes no prototype and is gone after a rewrite', () => {
    const parsed = document(hostile)
    const [account] = parsed.accounts
    for (const object of [
      {},
      parsed,
      parsed.extra,
      account,
      account?.extra,
      account?.cachedUsage,
    ]) {
      expect(Reflect.get(object ?? {}, 'polluted')).toBeUndefined()
    }
    expect(serializeDocument(parsed)).not.toContain('__proto__')
  })
})

describe('any document', () => {
  it('is the same after it was written and read again', () => {
    fc.assert(
      fc.property(fc.array(anyAccount(), { maxLength: 5 }), fc.nat(), (accounts, rev) => {
        const unique = [...new Map(accounts.map((account) => [account.uuid, account])).values()]
        const text = serializeDocument({
          rev,
          activeAccountUuid: unique[0]?.uuid,
          accounts: unique,
          rejected: [{ index: 1, raw: { odd: true }, problem: 'odd' }],
          extra: {},
        })
        const again = document(text)
        expect(again.rev).toBe(rev)
        expect(again.accounts.map(plain)).toEqual(unique.map(plain))
        expect(serializeDocument(again)).toBe(text)
      }),
    )
  })

  it('prints no token', () => {
    const parsed = document(rawDocument([rawAccount('a', { accessToken: `${CANARY}-at` })]))
    expect(JSON.stringify(parsed)).not.toContain(CANARY)
  })

  it('has the types that the pool relies on', () => {
    expectTypeOf<StoredAccount['refreshToken']>().toEqualTypeOf<Secret>()
    expectTypeOf<StoredAccount['accessToken']>().toEqualTypeOf<Secret | undefined>()
    expectTypeOf<StoredAccount['label']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<StoredAccount['limits']>().toEqualTypeOf<readonly LimitRecord[]>()
    expectTypeOf<StoredAccount['cachedUsage']>().toEqualTypeOf<
      Readonly<Record<string, CachedWindow | null>> | undefined
    >()
    expectTypeOf<Pick<StoredAccount, 'expiresAt'>>().toEqualTypeOf<{
      readonly expiresAt: number | undefined
    }>()
  })
})

function plain({ refreshToken, accessToken, ...account }: StoredAccount) {
  return { ...account, refresh: refreshToken.reveal(), access: accessToken?.reveal() }
}

function maybe<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined })
}

function anyAccount(): fc.Arbitrary<StoredAccount> {
  const text = fc.string()
  const word = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/)
  const time = fc.nat()
  return fc.record({
    uuid: word,
    accountId: maybe(text),
    userId: maybe(text),
    label: maybe(text),
    email: maybe(text),
    planTier: text,
    refreshToken: word.map(secret),
    accessToken: maybe(word.map(secret)),
    expiresAt: maybe(time),
    addedAt: time,
    lastUsed: time,
    enabled: fc.boolean(),
    rateLimitResetAt: maybe(time),
    cachedUsage: maybe(
      fc.dictionary(
        // Valibot drops keys like "constructor"; no window has such a name.
        word.map((name) => `w${name}`),
        fc.option(fc.record({ utilization: time, resets_at: fc.option(text) })),
      ),
    ).map((usage) => (usage === undefined ? undefined : { ...usage })),
    cachedUsageAt: maybe(time),
    consecutiveAuthFailures: time,
    isAuthDisabled: fc.boolean(),
    authDisabledReason: maybe(text),
    limits: fc.array(
      fc.record({
        scope: fc.oneof(fc.constant('account' as const), fc.record({ family: word })),
        window: word,
        until: time,
        source: fc.constantFrom('header' as const, 'guess' as const),
        observedAt: time,
      }),
    ),
    disabledReason: maybe(fc.constantFrom('user' as const, 'auth' as const)),
    tokenVersion: time,
    coolingUntil: time,
    strikes: time,
    authRetryAt: time,
    extra: fc.dictionary(
      word.filter((key) => key.startsWith('z')),
      // JSON has no -0.
      // Without `__proto__`, which is never kept.
      fc
        .json()
        .map((json): unknown =>
          JSON.parse(json.replaceAll('-0', '0').replaceAll('__proto__', 'proto')),
        ),
    ),
  })
}

const key = (fields: object = {}) => ({ uuid: 'k', label: 'work', apiKey: CANARY, ...fields })

describe('an API key in the accounts file', () => {
  /** As the original format is read: one fault damages the file, unknown fields are dropped. */
  const original = v.object({
    version: v.literal(1),
    accounts: v.array(
      v.object({
        uuid: v.string(),
        label: v.optional(v.string()),
        planTier: v.optional(v.string()),
        refreshToken: v.string(),
        accessToken: v.optional(v.string()),
        addedAt: v.number(),
        lastUsed: v.number(),
        enabled: v.boolean(),
        isAuthDisabled: v.boolean(),
        authDisabledReason: v.optional(v.string()),
      }),
    ),
  })

  it('is read in its short form, and written as readers of the original format can bear', () => {
    const [account] = document(rawDocument([key()])).accounts
    expect(account).toMatchObject({ uuid: 'k', planTier: 'apiKey', isAuthDisabled: false })
    expect(account?.accessToken?.reveal()).toBe(CANARY)
    expect(rewritten(rawDocument([key()]))).toMatchObject({
      accounts: [{ refreshToken: '', accessToken: CANARY, isAuthDisabled: true }],
    })
    expect(serializeDocument(document(rawDocument([key()])))).not.toContain('apiKey":')
  })

  it('survives a program that knows the original format only', () => {
    const text = rawDocument([rawAccount('a'), key({ disabledReason: 'billing' })])
    const theirs = JSON.stringify(v.parse(original, rewritten(text)))
    const [login, again] = document(theirs).accounts
    expect(login).toMatchObject({ uuid: 'a' })
    expect(again).toMatchObject({ label: 'work', planTier: 'apiKey', isAuthDisabled: false })
    expect(again?.accessToken?.reveal()).toBe(CANARY)
    expect(again?.authDisabledReason).toBe(undefined)
  })

  it('keeps why it is switched off', () => {
    const off = key({ disabledReason: 'auth', authDisabledReason: 'refused' })
    const text = serializeDocument(document(rawDocument([off])))
    expect(document(text).accounts).toMatchObject([
      { isAuthDisabled: true, disabledReason: 'auth', authDisabledReason: 'refused' },
    ])
    const byPerson = key({ disabledReason: 'user', enabled: false })
    const again = serializeDocument(document(rawDocument([byPerson])))
    expect(document(again).accounts).toMatchObject([{ enabled: false, isAuthDisabled: false }])
  })

  it('is named when its key is missing', () => {
    const { accounts, rejected } = document(rawDocument([{ uuid: 'k', planTier: 'apiKey' }]))
    expect([accounts.length, rejected[0]?.problem]).toEqual([
      0,
      expect.stringContaining('Account 1 has no valid "accessToken"'),
    ])
  })
})
