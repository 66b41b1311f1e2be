import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { secret } from '../../src/secret.ts'
import { createFileJournal } from '../../src/store/file-journal.ts'
import type { SpendRecord } from '../../src/store/journal.ts'
import { startProgram } from '../runtime/program.ts'

const TOKEN = secret('canary-rt-spent')
const RENEWED: SpendRecord = {
  kind: 'renewed',
  accessToken: secret('canary-at-new'),
  refreshToken: secret('canary-rt-new'),
  expiresAt: 1_900_000_000_000,
  accountId: 'account',
  email: undefined,
}

describe('the journal of spent refresh tokens', () => {
  let root: string
  let folder: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'rota-journal-'))
    folder = join(root, 'multiauth-refresh')
  })

  afterEach(() => rm(root, { recursive: true, force: true }))

  it('gives the right to spend a token to one, however many ask at once', async () => {
    const claims = await Promise.all(
      Array.from({ length: 20 }, () => createFileJournal(folder).claim(TOKEN)),
    )
    expect(claims.filter(({ kind }) => kind === 'ours')).toEqual([{ kind: 'ours', inDoubt: false }])
    expect(claims.filter(({ kind }) => kind === 'theirs')).toHaveLength(19)
  })

  it('tells those who wait what came of it, and everybody who asks later', async () => {
    const [owner, other] = [createFileJournal(folder), createFileJournal(folder)]
    await owner.claim(TOKEN)
    const waiting = other.wait(TOKEN, 10_000)
    await owner.record(TOKEN, RENEWED)
    const told = await waiting
    expect(told).toMatchObject({ kind: 'renewed', expiresAt: RENEWED.expiresAt })
    const later = await createFileJournal(folder).claim(TOKEN)
    expect(later.kind === 'spent' && later.record.kind === 'renewed').toBe(true)
    const read = await other.read(TOKEN)
    expect(read?.kind === 'renewed' && read.refreshToken.reveal()).toBe('canary-rt-new')
  })

  it('keeps a permanent refusal, so that nobody sends the dead token again', async () => {
    const owner = createFileJournal(folder)
    await owner.claim(TOKEN)
    await owner.record(TOKEN, { kind: 'dead', code: 'invalid_grant' })
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({
      kind: 'spent',
      record: { kind: 'dead', code: 'invalid_grant' },
    })
  })

  it('lets a ticket be given back when the token was certainly not spent', async () => {
    const owner = createFileJournal(folder)
    await owner.claim(TOKEN)
    await owner.release(TOKEN)
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: false })
  })

  it('passes a dead owner’s ticket on once, as a doubt', { timeout: 20_000 }, async () => {
    const script = new URL('programs/hold-ticket.ts', import.meta.url)
    const owner = startProgram(script, [folder, TOKEN.reveal()])
    expect(await owner.line()).toBe('ours')
    const journal = createFileJournal(folder)
    expect(await journal.claim(TOKEN)).toEqual({ kind: 'theirs' })
    owner.child.kill('SIGKILL')
    await owner.ended()
    expect(await journal.wait(TOKEN, 10_000)).toEqual({ kind: 'ours', inDoubt: true })
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'theirs' })
  })

  it('ends a wait for an owner that lives and does nothing', async () => {
    await createFileJournal(folder).claim(TOKEN)
    expect(await createFileJournal(folder).wait(TOKEN, 100)).toBeUndefined()
  })

  it('says that nothing can be kept, before anything is spent', async () => {
    await writeFile(folder, 'a file where the folder should be')
    expect(await createFileJournal(folder).claim(TOKEN)).toMatchObject({ kind: 'unwritable' })
  })

  it('names its files by a hash, for their owner only', async () => {
    const owner = createFileJournal(folder)
    await owner.claim(TOKEN)
    await owner.record(TOKEN, RENEWED)
    const names = await readdir(folder)
    expect(names.toSorted((left, right) => left.localeCompare(right))).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}\.next$/),
      expect.stringMatching(/^[0-9a-f]{32}\.spend\.1$/),
    ])
    for (const name of names) {
      const { mode } = await stat(join(folder, name))
      expect((mode & 0o777).toString(8)).toBe('600')
    }
    expect(((await stat(folder)).mode & 0o777).toString(8)).toBe('700')
    const ticket = names.find((name) => name.endsWith('.spend.1')) ?? ''
    expect(await readFile(join(folder, ticket), 'utf8')).not.toContain('canary')
  })

  it('takes a record that is no record for none', async () => {
    const journal = createFileJournal(folder)
    await journal.claim(TOKEN)
    await journal.record(TOKEN, RENEWED)
    const [name = ''] = (await readdir(folder)).filter((each) => each.endsWith('.next'))
    await writeFile(join(folder, name), '{"kind":"renewed"')
    expect(await journal.read(TOKEN)).toBeUndefined()
  })
})
