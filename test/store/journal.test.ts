import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { secret } from '../../src/secret.ts'
import { createFileJournal } from '../../src/store/file-journal.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import { RENEWED, describeSpendJournal } from '../contract/journal.ts'
import { TOKEN } from '../contract/spent-token.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'
import { temporaryFolder } from './examples.ts'

describeSpendJournal('a folder', () => createFileJournal(journalFolder()))
describeSpendJournal('memory', createMemoryJournal)

describe('the journal in a folder', () => {
  it('gives the right to spend a token to one of several processes', async () => {
    const folder = journalFolder()
    const claims = await Promise.all(
      Array.from({ length: 20 }, () => createFileJournal(folder).claim(TOKEN)),
    )
    expect(claims.filter(({ kind }) => kind === 'ours')).toHaveLength(1)
    expect(claims.filter(({ kind }) => kind === 'theirs')).toHaveLength(19)
  })

  it('tells those who wait what came of it', async () => {
    const folder = journalFolder()
    const [owner, other] = [createFileJournal(folder), createFileJournal(folder)]
    await owner.claim(TOKEN)
    await other.claim(TOKEN)
    const waiting = other.wait(TOKEN, 10_000)
    await owner.record(TOKEN, RENEWED)
    expect(await waiting).toMatchObject({ kind: 'spent', record: { kind: 'renewed' } })
  })

  it('sends those who wait away when the owner ends in doubt: it would be the same for them', async () => {
    const folder = journalFolder()
    const [owner, other] = [createFileJournal(folder), createFileJournal(folder)]
    await owner.claim(TOKEN)
    await other.claim(TOKEN)
    const waiting = other.wait(TOKEN, 10_000)
    await owner.leaveInDoubt(TOKEN)
    expect(await waiting).toBeUndefined()
    expect(await other.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
  })

  it('says that nothing can be kept, before anything is spent', async () => {
    const folder = journalFolder()
    writeFileSync(folder, 'a file where the folder should be')
    expect(await createFileJournal(folder).claim(TOKEN)).toMatchObject({ kind: 'unwritable' })
  })

  it('takes no ticket when there is no room for the answer', async () => {
    const folder = journalFolder()
    const journal = createFileJournal(folder)
    await journal.claim(TOKEN)
    await journal.release(TOKEN)
    // A folder stands where the room would be made.
    const room = join(folder, `${(await keyIn(folder, journal)) ?? ''}.spend.1.room`)
    mkdirSync(room)
    expect(await journal.claim(TOKEN)).toEqual({ kind: 'unwritable', detail: 'EISDIR' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('has room for the answer before the token is spent', async () => {
    const folder = journalFolder()
    await createFileJournal(folder).claim(TOKEN)
    const [room = ''] = readdirSync(folder).filter((name) => name.endsWith('.room'))
    expect(statSync(join(folder, room)).size).toBe(16 * 1024)
    expect(statSync(join(folder, room)).blocks * 512).toBeGreaterThanOrEqual(16 * 1024)
  })

  it('names its files by a hash, for their owner only', async () => {
    const folder = journalFolder()
    const owner = createFileJournal(folder)
    await owner.claim(TOKEN)
    await owner.record(TOKEN, RENEWED)
    const names = readdirSync(folder).toSorted()
    expect(names).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}\.next$/),
      expect.stringMatching(/^[0-9a-f]{32}\.spend\.1$/),
    ])
    for (const name of names) expect(modeOf(join(folder, name))).toBe('600')
    expect(modeOf(folder)).toBe('700')
    const ticket = names.find((name) => name.endsWith('.spend.1')) ?? ''
    expect(readFileSync(join(folder, ticket), 'utf8')).not.toContain('canary')
  })

  it('takes a record that is no record for none', async () => {
    const folder = journalFolder()
    const journal = createFileJournal(folder)
    await journal.claim(TOKEN)
    await journal.record(TOKEN, RENEWED)
    const [name = ''] = readdirSync(folder).filter((each) => each.endsWith('.next'))
    writeFileSync(join(folder, name), '{"kind":"renewed"')
    expect(await journal.spent([TOKEN])).toEqual([undefined])
  })

  it('removes the files of a token together, when the youngest is a week old', async () => {
    const folder = journalFolder()
    const journal = createFileJournal(folder, async () => [])
    await journal.claim(TOKEN)
    await journal.leaveInDoubt(TOKEN)
    await journal.claim(TOKEN)
    await journal.leaveInDoubt(TOKEN)
    const names = readdirSync(folder)
    const old = Date.now() / 1_000 - 8 * 24 * 3_600
    for (const name of names) if (!name.includes('.2')) utimesSync(join(folder, name), old, old)
    await spendAnother(journal)
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(names))
    for (const name of names) utimesSync(join(folder, name), old, old)
    await spendAnother(journal)
    for (const name of names) expect(existsSync(join(folder, name))).toBe(false)
  })
})

describe.each(RUNTIMES)('a journal whose owner was killed in %s', (runtime) => {
  it('passes the ticket on once, as a doubt, and then says that the login is lost', async () => {
    const folder = journalFolder()
    await claimAndDie(folder, runtime, 'sent')
    const journal = createFileJournal(folder)
    expect(await journal.wait(TOKEN, 10_000)).toEqual({ kind: 'ours', inDoubt: true })
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'theirs' })
    await journal.release(TOKEN)
    await claimAndDie(folder, runtime, 'sent')
    expect(await journal.wait(TOKEN, 10_000)).toEqual({ kind: 'lost' })
  }, 30_000)

  it.runIf(process.platform === 'linux')(
    'passes the ticket on without a doubt, however often, when it had not sent the token',
    async () => {
      const folder = journalFolder()
      for (let deaths = 1; deaths <= 3; deaths++) await claimAndDie(folder, runtime)
      const journal = createFileJournal(folder)
      expect(await journal.wait(TOKEN, 10_000)).toEqual({ kind: 'ours', inDoubt: false })
      await journal.release(TOKEN)
      await claimAndDie(folder, runtime, 'sent')
      await claimAndDie(folder, runtime)
      expect(await journal.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
    },
    30_000,
  )

  it('gives its answer time to reach the disk', async () => {
    const folder = journalFolder()
    await claimAndDie(folder, runtime)
    const [ticket = ''] = readdirSync(folder).filter((name) => name.endsWith('.1'))
    const now = Date.now() / 1_000
    utimesSync(join(folder, ticket), now, now)
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'theirs' })
  }, 30_000)

  it('finds an answer that was written in full, but had no name yet', async () => {
    const folder = journalFolder()
    await claimAndDie(folder, runtime)
    const [room = ''] = readdirSync(folder).filter((name) => name.endsWith('.room'))
    const text = JSON.stringify({ ...RENEWED, accessToken: 'canary-at', refreshToken: 'canary-rt' })
    writeFileSync(join(folder, room), text + ' '.repeat(1_000))
    const found = await createFileJournal(folder).wait(TOKEN, 10_000)
    expect(found).toMatchObject({ kind: 'spent', record: { kind: 'renewed' } })
    expect(readdirSync(folder).filter((name) => name.endsWith('.next'))).toHaveLength(1)
  }, 30_000)
})

const HOLD_TICKET = new URL('programs/hold-ticket.ts', import.meta.url)

async function claimAndDie(
  folder: string,
  runtime: (typeof RUNTIMES)[number],
  ...sent: readonly 'sent'[]
): Promise<void> {
  const owner = startProgram(HOLD_TICKET, [folder, ...sent], runtime)
  expect(await owner.line()).toBe('ours')
  expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'theirs' })
  owner.child.kill('SIGKILL')
  await owner.ended()
  // As if the ticket were older than the time that a dead owner's answer may take to the disk.
  const long = Date.now() / 1_000 - 10
  const tickets = readdirSync(folder).filter((name) => /\.spend\.\d+$/.test(name))
  for (const name of tickets) utimesSync(join(folder, name), long, long)
}

/** Recording sweeps. */
async function spendAnother(journal: ReturnType<typeof createFileJournal>): Promise<void> {
  const other = secret(`canary-rt-${Math.random()}`)
  await journal.claim(other)
  await journal.record(other, RENEWED)
}

async function keyIn(folder: string, journal: ReturnType<typeof createFileJournal>) {
  await journal.claim(TOKEN)
  const [ticket] = readdirSync(folder)
  await journal.release(TOKEN)
  return ticket?.split('.')[0]
}

function journalFolder(): string {
  return join(temporaryFolder(), 'multiauth-refresh')
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}
