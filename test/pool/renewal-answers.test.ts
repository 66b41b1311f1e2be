import { describe, expect, it } from 'vitest'
import { createAnswers } from '../../src/pool/renewal-answers.ts'
import type { Tokens, Vault } from '../../src/pool/vault.ts'
import { secret } from '../../src/secret.ts'
import type { SpendRecord } from '../../src/store/journal.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import { createMemoryStore } from '../../src/store/memory.ts'

describe('an answer that the disk does not take', () => {
  it('is used at once, and offered to the disk again', async () => {
    const { answers, journal, vault, disk, timers } = await start()
    disk.isBroken = true
    const outcome = await answers.keep('a', OLD, NEW)
    expect(outcome).toMatchObject({ kind: 'renewed', version: 1 })
    expect(vault.get('a')?.refreshToken.reveal()).toBe('token-2')
    expect(timers).toHaveLength(1)
    timers.shift()?.()
    await expect.poll(() => timers.length).toBe(1)
    disk.isBroken = false
    timers.shift()?.()
    await expect.poll(async () => journal.spent([OLD.refreshToken])).toEqual([NEW])
    expect(timers).toEqual([])
  })

  it('is offered once more at the end', async () => {
    const { answers, journal, disk } = await start()
    disk.isBroken = true
    await answers.keep('a', OLD, NEW)
    expect(await journal.spent([OLD.refreshToken])).toEqual([undefined])
    disk.isBroken = false
    await answers.writeUnrecorded()
    expect(await journal.spent([OLD.refreshToken])).toEqual([NEW])
  })

  it('is not offered again when the disk has it', async () => {
    const { answers, disk, timers } = await start()
    disk.isBroken = true
    await answers.keep('a', OLD, NEW)
    disk.isBroken = false
    timers.shift()?.()
    await expect.poll(() => disk.records).toBe(1)
    await answers.writeUnrecorded()
    expect(disk.records).toBe(1)
  })
})

describe('a refusal for good', () => {
  it('of a token that a login has replaced meanwhile is told to all who still hold it', async () => {
    const { answers, journal, vault } = await start()
    const login = { ...OLD, refreshToken: secret('token-of-a-login'), version: 1 }
    vault.set('a', login)
    expect(await answers.bury('a', OLD, DEAD)).toMatchObject({ kind: 'renewed', version: 1 })
    expect(await journal.spent([OLD.refreshToken])).toEqual([DEAD])
  })

  it('does not take the place of what the token once brought', async () => {
    const { answers, journal } = await start()
    await journal.record(OLD.refreshToken, NEW)
    await answers.bury('a', OLD, DEAD)
    expect(await journal.spent([OLD.refreshToken])).toEqual([NEW])
  })

  it('leaves the token in doubt when the disk does not take it', async () => {
    const { answers, journal, disk } = await start()
    disk.isBroken = true
    expect(await answers.bury('a', OLD, DEAD)).toMatchObject({ kind: 'failed', failure: 'dead' })
    expect(await journal.claim(OLD.refreshToken)).toEqual({ kind: 'ours', inDoubt: true })
  })
})

describe('renewed tokens', () => {
  it('remember all that they came from', async () => {
    const { answers, vault } = await start()
    await answers.keep('a', OLD, NEW)
    const second = vault.get('a') ?? OLD
    await answers.keep('a', second, { ...NEW, refreshToken: secret('token-3') })
    expect(vault.get('a')?.from?.map((token) => token.reveal())).toEqual(['token-2', 'token-1'])
  })

  it('need no record, and came from nothing, where the refresh token stays the same', async () => {
    const { answers, journal, vault } = await start()
    await answers.keep('a', OLD, { ...NEW, refreshToken: OLD.refreshToken })
    expect(await journal.claim(OLD.refreshToken)).toEqual({ kind: 'ours', inDoubt: false })
    expect(vault.get('a')).toMatchObject({ version: 1, from: [] })
  })
})

const OLD: Tokens = {
  refreshToken: secret('token-1'),
  accessToken: undefined,
  expiresAt: 1,
  version: 0,
  accountId: undefined,
}
const NEW = {
  kind: 'renewed',
  refreshToken: secret('token-2'),
  accessToken: secret('access-2'),
  expiresAt: 1_900_000_000_000,
  accountId: undefined,
  email: undefined,
} as const satisfies SpendRecord
const DEAD = { kind: 'dead', code: 'invalid_grant', inDoubt: false } as const

/** The ticket for the old token is ours. */
async function start() {
  const memory = createMemoryJournal()
  await memory.claim(OLD.refreshToken)
  const disk = { isBroken: false, records: 0 }
  const timers: (() => void)[] = []
  const vault: Vault = new Map([['a', OLD]])
  const answers = createAnswers({
    vault,
    store: createMemoryStore(),
    sync: { load: async () => {}, take: () => {} },
    journal: {
      ...memory,
      async record(token, record) {
        if (disk.isBroken) throw new Error('EIO')
        disk.records += 1
        await memory.record(token, record)
      },
    },
    world: {
      arm(fire) {
        timers.push(fire)
        return () => {}
      },
    },
  })
  return { answers, journal: memory, vault, disk, timers }
}
