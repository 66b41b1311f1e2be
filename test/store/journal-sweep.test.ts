import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { secret } from '../../src/secret.ts'
import { createFileJournal } from '../../src/store/file-journal.ts'
import { createFileStore } from '../../src/store/file.ts'
import type { SpendJournal } from '../../src/store/journal.ts'
import { rollForward } from '../../src/store/roll-forward.ts'
import { storedTokens } from '../../src/store/stored-tokens.ts'
import { RENEWED } from '../contract/journal.ts'
import { TOKEN } from '../contract/spent-token.ts'
import { type DiskStep, fault, listening } from './disk.ts'
import { rawAccount, rawDocument, temporaryFolder } from './examples.ts'

vi.mock('node:fs/promises', async (actual) => (await import('./disk.ts')).shown(await actual()))

const FIRST = secret('canary-rt-first')
const SECOND = secret('canary-rt-second')
const THIRD = secret('canary-rt-third')

describe('the weekly sweep of the journal', () => {
  it('keeps every record that a stored token leads to, so that its login is not lost', async () => {
    const { folder, journal, store, write } = await world()
    write('accounts.json', [rawAccount('a', { refreshToken: FIRST.reveal() })])
    await spend(journal, FIRST, SECOND)
    await spend(journal, SECOND, THIRD)
    growOld(folder)
    await spend(journal, TOKEN)
    const read = await rollForward(store, journal).read()
    expect(read.ok && read.document.accounts[0]?.refreshToken.reveal()).toBe(THIRD.reveal())
  })

  it('keeps what another accounts file in the same folder needs', async () => {
    const { folder, journal, write } = await world()
    write('others.json', [rawAccount('b', { refreshToken: FIRST.reveal() })])
    await spend(journal, FIRST, SECOND)
    growOld(folder)
    await spend(journal, TOKEN)
    expect(await journal.spent([FIRST])).toMatchObject([{ kind: 'renewed' }])
  })

  it('keeps what the copy of a missing accounts file needs', async () => {
    const { folder, journal, write } = await world()
    write('accounts.json.bak-0', [rawAccount('a', { refreshToken: FIRST.reveal() })])
    await spend(journal, FIRST, SECOND)
    growOld(folder)
    await spend(journal, TOKEN)
    expect(await journal.spent([FIRST])).toMatchObject([{ kind: 'renewed' }])
  })

  it.each([
    ['is damaged', (file: string) => writeFileSync(file, '{"version":1,"accoun')],
    ['is of a newer version', (file: string) => writeFileSync(file, '{"version":2}')],
    ['is no file', (file: string) => mkdirSync(file)],
  ])('removes nothing while an accounts file %s', async (_, spoil) => {
    const { folder, place, journal } = await world()
    spoil(join(place, 'accounts.json'))
    await spend(journal, FIRST, SECOND)
    growOld(folder)
    await spend(journal, TOKEN)
    expect(await journal.spent([FIRST])).toMatchObject([{ kind: 'renewed' }])
  })

  it('removes nothing while a record on the way cannot be read', async () => {
    const { folder, journal, write } = await world()
    write('accounts.json', [rawAccount('a', { refreshToken: FIRST.reveal() })])
    await spend(journal, FIRST, SECOND)
    const [first = ''] = readdirSync(folder).filter((name) => name.endsWith('.next'))
    await spend(journal, SECOND, THIRD)
    growOld(folder)
    const unreadable = {
      before(step: DiskStep) {
        if (step.call === 'readFile' && step.path === join(folder, first)) throw fault('EIO')
      },
    }
    await listening(unreadable, () => spend(journal, TOKEN))
    expect(await journal.spent([SECOND])).toMatchObject([{ kind: 'renewed' }])
  })

  it('keeps a ticket whose owner lives, however long it has slept', async () => {
    const { folder, journal } = await world()
    await createFileJournal(folder).claim(FIRST)
    growOld(folder)
    await spend(journal, TOKEN)
    expect(await journal.claim(FIRST)).toEqual({ kind: 'theirs' })
  })

  it('removes what no stored token leads to any more', async () => {
    const { folder, journal, write } = await world()
    write('accounts.json', [rawAccount('a', { refreshToken: THIRD.reveal() })])
    await spend(journal, FIRST, SECOND)
    await spend(journal, SECOND, THIRD)
    growOld(folder)
    await spend(journal, TOKEN)
    expect(await journal.spent([FIRST, SECOND])).toEqual([undefined, undefined])
  })

  it('does not fail a record that is kept already', async () => {
    const { folder, journal } = await world()
    await spend(journal, FIRST, SECOND)
    // Nothing that this journal makes, and nothing that it could remove.
    mkdirSync(join(folder, `${'0'.repeat(32)}.folder`))
    growOld(folder)
    await spend(journal, TOKEN)
    expect(await journal.spent([TOKEN])).toMatchObject([{ kind: 'renewed' }])
  })
})

/** A journal shared by two accounts files, of which neither exists yet. */
async function world() {
  const place = temporaryFolder()
  const folder = join(place, 'multiauth-refresh')
  const files = ['accounts.json', 'others.json'].map((name) => join(place, name))
  return {
    place,
    folder,
    journal: createFileJournal(folder, () => storedTokens(files)),
    store: createFileStore({ file: join(place, 'accounts.json'), now: Date.now }),
    write(name: string, accounts: readonly unknown[]) {
      writeFileSync(join(place, name), rawDocument(accounts, { rev: 1 }), { mode: 0o600 })
    },
  }
}

/** Recording sweeps. */
async function spend(journal: SpendJournal, token: typeof TOKEN, next = RENEWED.refreshToken) {
  expect(await journal.claim(token)).toMatchObject({ kind: 'ours' })
  await journal.record(token, { ...RENEWED, refreshToken: next })
}

function growOld(folder: string): void {
  const longAgo = Date.now() / 1_000 - 8 * 24 * 3_600
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), longAgo, longAgo)
}
