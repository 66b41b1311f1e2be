import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createActor } from 'xstate'
import { provideRenewal } from '../../src/pool/renewal.ts'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { secret } from '../../src/secret.ts'
import { parseDocument } from '../../src/store/document.ts'
import { createFileJournal } from '../../src/store/file-journal.ts'
import type { SpendJournal } from '../../src/store/journal.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ROTATES_SLOWLY } from '../fake/token-behaviors.ts'
import { openPool } from '../request/open-pool.ts'
import { type DiskStep, fault, listening } from '../store/disk.ts'
import { temporaryFolder } from '../store/examples.ts'
import { createLoneSync } from './lone-sync.ts'

vi.mock('node:fs/promises', async (actual) =>
  (await import('../store/disk.ts')).shown(await actual()),
)

const opened: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

const TOKEN = secret('token-1')

describe('a pool that is closed', () => {
  it('while another process renews does not wait for it, and leaves no ticket behind', async () => {
    const folder = join(temporaryFolder(), 'multiauth-refresh')
    const [owner, journal] = [createFileJournal(folder), createFileJournal(folder)]
    await owner.claim(TOKEN)
    const waits = vi.fn<SpendJournal['wait']>(journal.wait)
    const { actor, whenKept } = renew({ ...journal, wait: waits })
    await expect.poll(() => waits.mock.calls).toHaveLength(1)
    actor.stop()
    await whenKept()
    await owner.release(TOKEN)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each(['claim', 'wait'] as const)(
    'just after it took a ticket gives the ticket back (%s)',
    async (step) => {
      const journal = createMemoryJournal()
      const gate: { open?: () => void } = {}
      const held = async <Claim>(claiming: Promise<Claim>): Promise<Claim> => {
        const claimed = await claiming
        await new Promise<void>((resolve) => (gate.open = resolve))
        return claimed
      }
      const steps: Pick<SpendJournal, 'claim' | 'wait'> =
        step === 'claim'
          ? { ...journal, claim: (token) => held(journal.claim(token)) }
          : {
              claim: async () => ({ kind: 'theirs' }),
              wait: (token, ms) => held(journal.wait(token, ms)),
            }
      const { actor, whenKept, refreshes } = renew({ ...journal, ...steps })
      await expect.poll(() => gate.open).toBeDefined()
      actor.stop()
      gate.open?.()
      await whenKept()
      expect(refreshes()).toBe(0)
      expect(await journal.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: false })
    },
  )

  it('offers an answer that the disk did not take to it again', async () => {
    const { pool, fake } = await start()
    fake.behaveOnExchange(ROTATES_SLOWLY(0, 100))
    fake.account('a').expire()
    const spent = fake.seed().accounts[0]?.refreshToken ?? ''
    const broken = {
      before({ call, path }: DiskStep) {
        // It took the ticket; it takes no answer, and no new accounts file.
        if (fake.exchanges.length === 0) return
        const isAnswer = call === 'file.write' && path.endsWith('.room')
        if (isAnswer || (call === 'open' && path.endsWith('.tmp'))) throw fault('EIO')
      },
    }
    await listening(broken, async () => {
      expect((await pool.ask()).text).toContain('answered by a')
    })
    expect(readFileSync(pool.file, 'utf8')).toContain(spent)
    await pool.dispose()
    const journal = createFileJournal(join(pool.folder, 'multiauth-refresh'))
    expect(await journal.spent([secret(spent)])).toMatchObject([{ kind: 'renewed' }])
  })
})

describe('a record that cannot be read', () => {
  it('keeps the token from being spent a second time', async () => {
    const fake = await createFakeAnthropic({ accounts: ['a'] })
    opened.push(fake)
    const before = fake.seed()
    const first = await openPool(fake, { max_wait_ms: 0 })
    opened.push(first)
    fake.account('a').expire()
    await first.ask()
    await first.dispose()
    const broken = {
      before({ call, path }: DiskStep) {
        if (call === 'readFile' && path.endsWith('.next')) throw fault('EIO')
      },
    }
    // As after a crash between the record and the accounts file.
    for (const name of readdirSync(first.folder)) {
      if (name.includes('.bak-')) rmSync(join(first.folder, name))
    }
    const accounts = before.accounts.map((account) => ({ ...account, expiresAt: 1 }))
    writeFileSync(first.file, JSON.stringify({ ...before, accounts }), { mode: 0o600 })
    const next = await listening(broken, async () => {
      const pool = await openPool(fake, { max_wait_ms: 0 }, { file: first.file })
      opened.push(pool)
      expect((await pool.ask()).status).toBe(429)
      return pool
    })
    expect(fake.exchanges).toHaveLength(1)
    expect((await next.ask()).text).toContain('answered by a')
    expect(fake.exchanges).toHaveLength(1)
  })
})

describe('the mark that a token is sent', () => {
  it('is made before the token leaves', async () => {
    const journal = createMemoryJournal()
    const sentBefore: number[] = []
    const { whenKept, refreshes } = renew({
      ...journal,
      markSent: async () => void sentBefore.push(refreshes()),
    })
    await expect.poll(() => refreshes()).toBe(1)
    await whenKept()
    expect(sentBefore).toEqual([0])
  })

  it('keeps the token unspent when the disk does not take it', async () => {
    const journal = createMemoryJournal()
    const release = vi.fn<SpendJournal['release']>(journal.release)
    const { whenKept, refreshes } = renew({
      ...journal,
      markSent: () => Promise.reject(new Error('ENOSPC')),
      release,
    })
    await expect.poll(() => release.mock.calls).toHaveLength(1)
    await whenKept()
    expect(refreshes()).toBe(0)
    expect(await journal.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: false })
  })
})

/** Begins to renew the token `token-1`, without anything around it. */
function renew(journal: SpendJournal) {
  const place = createMemoryPlace(document())
  const store = createMemoryStore(place)
  const { sync, vault, world } = createLoneSync(store, Date.now)
  sync.take(place.document)
  let refreshes = 0
  const provider = {
    ...anthropic,
    async refresh() {
      refreshes += 1
      return { kind: 'unavailable', detail: 'not now', inDoubt: false } as const
    },
  }
  const renewal = provideRenewal({ provider, endpoints, vault, store, sync, journal, world })
  const actor = createActor(renewal.machine, { input: { id: 'a' } })
  actor.start()
  return { actor, whenKept: renewal.whenKept, refreshes: () => refreshes }
}

const endpoints = () => anthropic.endpoints

function document() {
  const account = { uuid: 'a', refreshToken: TOKEN.reveal(), accessToken: 'old', expiresAt: 1 }
  const parsed = parseDocument(JSON.stringify({ version: 1, accounts: [account] }))
  if (!parsed.ok) throw new Error(parsed.detail)
  return parsed.document
}

async function start() {
  const fake = await createFakeAnthropic({ accounts: ['a'] })
  opened.push(fake)
  const pool = await openPool(fake)
  opened.push(pool)
  return { pool, fake }
}
