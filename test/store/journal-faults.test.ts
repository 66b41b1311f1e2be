import { readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createFileJournal } from '../../src/store/file-journal.ts'
import { newOwnerRecord } from '../../src/store/owner.ts'
import { RENEWED } from '../contract/journal.ts'
import { TOKEN } from '../contract/spent-token.ts'
import { type DiskStep, fault, listening } from './disk.ts'
import { temporaryFolder } from './examples.ts'

vi.mock('node:fs/promises', async (actual) => (await import('./disk.ts')).shown(await actual()))

describe('a journal on a disk with faults', () => {
  it('lets nobody spend a token whose record is there and cannot be read', async () => {
    const { folder, journal } = open()
    await journal.claim(TOKEN)
    await journal.record(TOKEN, RENEWED)
    await listening(failing('readFile', '.next'), async () => {
      const unwritable = { kind: 'unwritable', detail: 'EIO' }
      expect(await journal.claim(TOKEN)).toEqual(unwritable)
      expect(await createFileJournal(folder).claim(TOKEN)).toEqual(unwritable)
      expect(await journal.wait(TOKEN, 1_000)).toEqual(unwritable)
    })
    expect(await journal.claim(TOKEN)).toMatchObject({ kind: 'spent' })
  })

  it('applies nothing for such a record, and still reads the others', async () => {
    const { journal } = open()
    await journal.claim(TOKEN)
    await journal.record(TOKEN, RENEWED)
    await listening(failing('readFile', '.next'), async () => {
      expect(await journal.spent([TOKEN, RENEWED.refreshToken])).toEqual([undefined, undefined])
    })
    expect(await journal.spent([TOKEN])).toMatchObject([{ kind: 'renewed' }])
  })

  it('lets nobody spend a token while the answer of a dead owner cannot be read', async () => {
    const { folder, journal, ticket } = open()
    await journal.claim(TOKEN)
    await journal.markSent(TOKEN)
    giveTo(ticket(), DEAD)
    await listening(failing('readFile', '.room'), async () => {
      const claimed = await createFileJournal(folder).claim(TOKEN)
      expect(claimed).toEqual({ kind: 'unwritable', detail: 'EIO' })
    })
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
  })

  it('does not replace a record that cannot be read by a refusal', async () => {
    const { folder, journal } = open()
    await journal.claim(TOKEN)
    await createFileJournal(folder).record(TOKEN, RENEWED)
    await listening(failing('readFile', '.next'), async () => {
      const dead = { kind: 'dead', code: 'invalid_grant', inDoubt: false } as const
      await expect(journal.record(TOKEN, dead)).rejects.toThrow('EIO')
    })
    expect(await journal.spent([TOKEN])).toMatchObject([{ kind: 'renewed' }])
  })

  it('goes on with a ticket that it could not give back', async () => {
    const { folder, journal } = open()
    await journal.claim(TOKEN)
    await listening(failing('rm', '.spend.1'), async () => {
      await expect(journal.release(TOKEN)).rejects.toThrow('EIO')
    })
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'theirs' })
    expect(await journal.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
    await journal.release(TOKEN)
    expect(readdirSync(folder)).toEqual([])
  })

  it('keeps an answer even if somebody removed the whole folder meanwhile', async () => {
    const { folder, journal } = open()
    await journal.claim(TOKEN)
    rmSync(folder, { recursive: true })
    await journal.record(TOKEN, RENEWED)
    expect(await createFileJournal(folder).spent([TOKEN])).toMatchObject([{ kind: 'renewed' }])
  })

  it('stops waiting for an owner when nobody wants the token any more', async () => {
    const { folder, journal } = open()
    await journal.claim(TOKEN)
    const other = createFileJournal(folder)
    await other.claim(TOKEN)
    expect(await other.wait(TOKEN, 60_000, AbortSignal.abort())).toBeUndefined()
  })
})

const MINUTE = 60_000
/** No such process. */
const DEAD = { pid: 2 ** 22 + 1 }

describe.runIf(process.platform === 'linux')('an owner that died without the mark', () => {
  it('had not sent the token, within one boot of the system', async () => {
    const { folder, journal, ticket } = open()
    await journal.claim(TOKEN)
    giveTo(ticket(), DEAD)
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: false })
  })

  it.each([
    ['the system was started anew: a power cut may have taken the mark', { bootId: 'an earlier' }],
    ['nobody knows of which boot it is', { ...DEAD, bootId: undefined }],
  ])('may have sent it when %s', async (_, owner) => {
    const { folder, journal, ticket } = open()
    await journal.claim(TOKEN)
    giveTo(ticket(), owner)
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
  })

  it('may have sent it when nobody can look for the mark', async () => {
    const { folder, journal, ticket } = open()
    await journal.claim(TOKEN)
    giveTo(ticket(), DEAD)
    await listening(failing('stat', '.sent'), async () => {
      const claimed = await createFileJournal(folder).claim(TOKEN)
      expect(claimed).toEqual({ kind: 'ours', inDoubt: true })
    })
  })

  it('leaves no mark to the next owner of a ticket that was given back', async () => {
    const { folder, journal } = open()
    await journal.claim(TOKEN)
    await journal.markSent(TOKEN)
    await journal.release(TOKEN)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('the ticket of an owner', () => {
  it.each([
    ['on another host', { host: 'another' }],
    ['in another container', { pidNamespace: 'pid:[1]' }],
    ['whose pid may be another process’s by now', { startTime: undefined }],
  ])('%s is held for ten minutes, longer than any exchange', async (_, owner) => {
    const { folder, journal, ticket } = open()
    await journal.claim(TOKEN)
    giveTo(ticket(), owner, 9 * MINUTE)
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'theirs' })
    giveTo(ticket(), owner, 11 * MINUTE)
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
  })

  it('that cannot be looked at does not stay for ever when the clock was set back', async () => {
    const { folder, journal, ticket } = open()
    await journal.claim(TOKEN)
    giveTo(ticket(), { host: 'another' }, -60 * MINUTE)
    expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
  })

  it('that lives is held, whatever the clock says', async () => {
    const { folder, journal, ticket } = open()
    await journal.claim(TOKEN)
    for (const age of [-60 * MINUTE, 24 * 60 * MINUTE]) {
      giveTo(ticket(), {}, age)
      expect(await createFileJournal(folder).claim(TOKEN)).toEqual({ kind: 'theirs' })
    }
  })
})

function open() {
  const folder = join(temporaryFolder(), 'multiauth-refresh')
  return {
    folder,
    journal: createFileJournal(folder),
    /** The path of the first ticket. */
    ticket: () => join(folder, readdirSync(folder).find((name) => name.endsWith('.1')) ?? ''),
  }
}

function failing(call: string, ending: string) {
  return {
    before(step: DiskStep) {
      if (step.call === call && step.path.endsWith(ending)) throw fault('EIO')
    },
  }
}

/** Makes the ticket that of another owner, as it was left `ageMs` ago. */
function giveTo(ticket: string, owner: object, ageMs = MINUTE): void {
  expect(readFileSync(ticket, 'utf8')).toContain('nonce')
  writeFileSync(ticket, JSON.stringify({ ...newOwnerRecord(), ...owner }))
  const at = (Date.now() - ageMs) / 1_000
  utimesSync(ticket, at, at)
}
