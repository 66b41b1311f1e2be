import * as fc from 'fast-check'
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { secret } from '../../src/secret.ts'
import { parseDocument, serializeDocument } from '../../src/store/document.ts'
import { createFileStore } from '../../src/store/file.ts'
import { rejoin } from '../../src/store/set-back.ts'
import type { StoreDocument } from '../../src/store/store.ts'
import { adding, document, rawAccount, rawDocument, temporaryFolder, uuids } from './examples.ts'

describe('two states of a file brought together', () => {
  it('lose no account, and no token to an older one', () => {
    fc.assert(
      fc.property(states(), states(), (one, other) => {
        const joined = rejoin(one, other)
        for (const side of [one, other]) {
          for (const { uuid, tokenVersion } of side.accounts) {
            expect(versionIn(joined, uuid)).toBeGreaterThanOrEqual(tokenVersion)
          }
          const raw = joined.rejected.map((entry) => entry.raw)
          expect(raw).toEqual(expect.arrayContaining(side.rejected.map((entry) => entry.raw)))
          for (const key of Object.keys(side.extra)) expect(joined.extra).toHaveProperty(key)
        }
        expect(joined.rev).toBe(Math.max(one.rev, other.rev))
      }),
    )
  })

  it('are the same whichever comes first', () => {
    fc.assert(
      fc.property(states(), states(), (one, other) => {
        fc.pre(one.rev !== other.rev)
        expect(serializeDocument(rejoin(one, other))).toBe(serializeDocument(rejoin(other, one)))
      }),
    )
  })

  it('change no more when they are brought together again', () => {
    fc.assert(
      fc.property(states(), states(), (one, other) => {
        const joined = rejoin(one, other)
        for (const side of [one, other, joined]) expect(rejoin(side, joined)).toEqual(joined)
        expect(rejoin(one, one)).toEqual(one)
      }),
    )
  })

  it('keep the accounts and their tokens in whatever order three are brought together', () => {
    fc.assert(
      fc.property(states(), states(), states(), (one, two, three) => {
        fc.pre(new Set([one.rev, two.rev, three.rev]).size === 3)
        const left = rejoin(rejoin(one, two), three)
        const right = rejoin(one, rejoin(two, three))
        expect(tokensIn(left)).toEqual(tokensIn(right))
      }),
    )
  })

  it('can be read again, every account of them', () => {
    fc.assert(
      fc.property(states(), states(), (one, other) => {
        const joined = rejoin(one, other)
        const again = parseDocument(serializeDocument(joined))
        expect(again).toMatchObject({ ok: true })
        expect(again.ok && tokensIn(again.document)).toEqual(tokensIn(joined))
      }),
    )
  })

  it('believe the higher revision in all but the tokens', () => {
    const older = account({ enabled: false, label: 'Old', tokenVersion: 4, lastUsed: 9 }, 3)
    const newer = account({ enabled: true, strikes: 2, tokenVersion: 2, lastUsed: 5 }, 5)
    const [joined] = rejoin(older, newer).accounts
    expect(joined).toMatchObject({
      enabled: true,
      strikes: 2,
      label: 'Old',
      tokenVersion: 4,
      lastUsed: 9,
    })
  })

  it.each([
    ['auth', false],
    ['revoked', false],
    ['lost', false],
    ['billing', true],
  ])('end "%s" with the token it speaks of: it stays, %s', (disabledReason, stays) => {
    const older = account({ tokenVersion: 4 }, 3)
    const newer = account({ tokenVersion: 2, isAuthDisabled: true, disabledReason }, 5)
    expect(rejoin(older, newer).accounts[0]?.isAuthDisabled).toBe(stays)
  })

  it('take the later expiry for the newer token, where nobody counted', () => {
    const older = account({ refreshToken: 'rt-renewed', expiresAt: 9 }, 3)
    const newer = account({ refreshToken: 'rt-spent', expiresAt: 5 }, 5)
    expect(rejoin(older, newer).accounts[0]?.refreshToken.reveal()).toBe('rt-renewed')
  })
})

describe('a file that was set back', () => {
  it('gets what a reader knows, and keeps what was put there', async () => {
    const { file, store } = await filled()
    writeFileSync(file, rawDocument([rawAccount('a'), rawAccount('restored')], { rev: 1 }))
    const result = await store.read()
    expect(uuids(result).toSorted()).toEqual(['a', 'b', 'c', 'restored'])
    expect(result).toMatchObject({
      document: { rev: 4 },
      warnings: [expect.stringContaining('set back from revision 3 to 1')],
    })
    expect(uuids(await open(file).read())).toEqual(uuids(result))
    expect(await store.read()).toMatchObject({ document: { rev: 4 }, warnings: [] })
  })

  it('gets it from the copies, when it is written by a process that has seen nothing', async () => {
    const { file } = await filled()
    writeFileSync(file, rawDocument([rawAccount('a')], { rev: 1 }))
    const result = await open(file).update(adding('d'))
    expect(uuids(result)).toEqual(['a', 'b', 'c', 'd'])
    expect(result).toMatchObject({ warnings: [expect.stringContaining('from revision 3 to 1')] })
  })

  it('stays as it was put there when nobody knows better', async () => {
    const { file, folder } = await filled()
    for (const name of readdirSync(folder)) {
      if (name.includes('.bak-')) rmSync(join(folder, name))
    }
    writeFileSync(file, rawDocument([rawAccount('a')], { rev: 1 }))
    expect(uuids(await open(file).update(adding('d')))).toEqual(['a', 'd'])
  })

  it('is one of a program that counts no revisions: then it is as that program wants', async () => {
    const { file, store } = await filled()
    writeFileSync(file, rawDocument([rawAccount('a')]))
    expect(uuids(await store.read())).toEqual(['a'])
    expect(uuids(await store.update(adding('d')))).toEqual(['a', 'd'])
  })

  it('is not one from which a person took an account by hand', async () => {
    const { file, store } = await filled()
    const text = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...text, accounts: text.accounts.slice(1) }))
    expect(uuids(await store.read())).toEqual(['b', 'c'])
    expect(uuids(await store.update(adding('d')))).toEqual(['b', 'c', 'd'])
  })

  it('is repaired once by many who see it', async () => {
    const { file } = await filled()
    const stores = [open(file), open(file), open(file)]
    for (const store of stores) await store.read()
    writeFileSync(file, rawDocument([rawAccount('a')], { rev: 1 }))
    const results = await Promise.all(stores.map(async (store) => store.read()))
    for (const result of results) expect(uuids(result)).toEqual(['a', 'b', 'c'])
    expect(await open(file).read()).toMatchObject({ document: { rev: 4 } })
  })

  it('is restored from memory when it is damaged, and its copies are gone', async () => {
    const { file, folder, store } = await filled()
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), '{')
    expect(uuids(await store.read())).toEqual(['a', 'b', 'c'])
    expect(uuids(await open(file).read())).toEqual(['a', 'b', 'c'])
  })
})

describe('a writer that was stopped before its rename', () => {
  it('leaves its revision to itself', async () => {
    const { file, folder, store } = await filled()
    const temporary = join(folder, '.accounts.json.r4-00ff.tmp')
    writeFileSync(temporary, rawDocument([rawAccount('late')], { rev: 4 }))
    expect(await store.update(adding('d'))).toMatchObject({ document: { rev: 5 } })
    renameSync(temporary, file)
    expect(uuids(await store.read())).toEqual(['a', 'b', 'c', 'd', 'late'])
  })
})

async function filled() {
  const folder = temporaryFolder()
  const file = join(folder, 'accounts.json')
  const store = open(file)
  for (const uuid of ['a', 'b', 'c']) await store.update(adding(uuid))
  return { folder, file, store }
}

function open(file: string) {
  return createFileStore({ file, now: Date.now, lockWaitMs: 2_000 })
}

function account(fields: Readonly<Record<string, unknown>>, rev: number): StoreDocument {
  return document(rawDocument([rawAccount('a', fields)], { rev }))
}

function versionIn(state: StoreDocument, uuid: string): number {
  return state.accounts.find((each) => each.uuid === uuid)?.tokenVersion ?? -1
}

function tokensIn({ accounts }: StoreDocument): Readonly<Record<string, string>> {
  return Object.fromEntries(
    accounts.map(({ uuid, refreshToken }) => [uuid, refreshToken.reveal()] as const),
  )
}

/** Documents with some of four accounts; a version of an account has one token. */
function states(): fc.Arbitrary<StoreDocument> {
  const accounts = fc.uniqueArray(
    fc.record({
      uuid: fc.constantFrom('a', 'b', 'c', 'd'),
      tokenVersion: fc.nat(4),
      enabled: fc.boolean(),
      isAuthDisabled: fc.boolean(),
      disabledReason: fc.constantFrom(undefined, 'auth', 'lost', 'billing'),
      strikes: fc.nat(2),
      label: fc.constantFrom(undefined, 'Work', 7, null),
      lastUsed: fc.nat(9),
      unknown: fc.constantFrom(undefined, 1, 2),
    }),
    { selector: ({ uuid }) => uuid },
  )
  const broken = fc.uniqueArray(
    fc.constantFrom(null, 7, { uuid: 'a' }, { uuid: 'e', refreshToken: '' }),
  )
  return fc.tuple(accounts, broken, fc.integer({ min: 1, max: 20 })).map(([good, bad, rev]) => {
    const entries = good.map(({ uuid, ...fields }) => rawAccount(uuid, fields))
    const parsed = document(rawDocument([...bad, ...entries], { rev, [`from-${rev % 3}`]: rev }))
    const known = parsed.accounts.map((each) => ({
      ...each,
      refreshToken: secret(`rt-${each.uuid}-${each.tokenVersion}`),
    }))
    return { ...parsed, accounts: known }
  })
}
