import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportAccounts, importAccounts } from '../../src/accounts/backup.ts'
import { removeAccount } from '../../src/accounts/edit.ts'
import { secret } from '../../src/secret.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'
import { CANARY, rawAccount, temporaryFolder } from '../store/examples.ts'
import { openFile } from './open-file.ts'

const SEALING = { provider: 'anthropic', passphrase: secret('correct horse') }
const ANN = rawAccount('a', {
  label: 'ann',
  accountId: 'account-1',
  userId: 'user-1',
  accessToken: `${CANARY}-access`,
  somebodyElsesField: { kept: true },
})
const BOB = rawAccount('b', { email: 'bob@example.test', enabled: false })

const key = (uuid: string) => ({ uuid, label: uuid, apiKey: `${CANARY}-${uuid}` })

/** A backup of these accounts. */
async function backupOf(entries: readonly unknown[]): Promise<string> {
  const { store, folder } = openFile(entries)
  const exported = await exportAccounts(store, join(folder, 'backup.json'), SEALING)
  if (exported.kind === 'failed') throw new Error(exported.problem)
  return exported.file
}

describe('an exported file', () => {
  it('holds all accounts, for nobody else to read, and no token in plain', async () => {
    const { store, folder, file: accountsFile } = openFile([ANN, BOB])
    const before = readFileSync(accountsFile, 'utf8')
    const file = join(folder, 'backup.json')
    const exported = await exportAccounts(store, file, SEALING)
    expect(exported).toEqual({ kind: 'exported', file, count: 2 })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain('canary')
    expect(readdirSync(folder)).toEqual(['accounts.json', 'backup.json'])
    expect(readFileSync(accountsFile, 'utf8')).toBe(before)
  })

  it('never takes the place of another file', async () => {
    const { store, folder } = openFile([ANN])
    const file = join(folder, 'mine')
    writeFileSync(file, 'precious')
    expect(await exportAccounts(store, file, SEALING)).toEqual({
      kind: 'failed',
      problem: `${file} is there already. Choose another name.`,
    })
    expect(readFileSync(file, 'utf8')).toBe('precious')
    expect(readdirSync(folder)).toEqual(['accounts.json', 'mine'])
  })

  it('is not written, nor read into the accounts, once that is stopped', async () => {
    const { store, folder, file } = openFile([ANN])
    const before = readFileSync(file, 'utf8')
    const stopped = AbortSignal.abort(new Error('stopped'))
    const place = join(folder, 'backup.json')
    await expect(exportAccounts(store, place, SEALING, stopped)).rejects.toThrow('stopped')
    const backup = await backupOf([BOB])
    await expect(importAccounts(store, backup, SEALING, stopped)).rejects.toThrow('stopped')
    expect(readdirSync(folder)).toEqual(['accounts.json'])
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('is not made of nothing, nor in a folder that is not there', async () => {
    const { store, folder } = openFile([])
    expect(await exportAccounts(store, join(folder, 'x'), SEALING)).toMatchObject({
      problem: 'There is no account to export.',
    })
    const full = openFile([ANN])
    expect(await exportAccounts(full.store, join(folder, 'no', 'x'), SEALING)).toMatchObject({
      problem: expect.stringContaining('cannot be written (ENOENT)'),
    })
  })
})

describe('an import', () => {
  it('tells keys apart, which have no refresh token', async () => {
    const backup = await backupOf([key('k1'), key('k2')])
    const { store } = openFile([{ ...key('k1'), uuid: 'other' }])
    const imported = await importAccounts(store, backup, SEALING)
    expect(imported).toEqual({ kind: 'imported', added: ['k2'], known: ['k1'] })
  })

  it('brings every account back as it was', async () => {
    const original = openFile([ANN, BOB])
    const backup = join(original.folder, 'backup.json')
    await exportAccounts(original.store, backup, SEALING)
    const { store, accounts } = openFile([])
    expect(await importAccounts(store, backup, SEALING)).toEqual({
      kind: 'imported',
      added: ['ann', 'bob@example.test'],
      known: [],
    })
    const [ann, bob] = await original.accounts()
    expect(await accounts()).toEqual([
      { ...ann, refreshToken: expect.anything(), accessToken: expect.anything() },
      { ...bob, label: 'bob@example.test', refreshToken: expect.anything() },
    ])
    const tokens = (await accounts()).map(({ refreshToken }) => refreshToken.reveal())
    expect(tokens).toEqual([`${CANARY}-a`, `${CANARY}-b`])
  })

  it.each([
    ['the same account', rawAccount('a')],
    ['the same token', rawAccount('x', { refreshToken: `${CANARY}-a` })],
    ['the same person', rawAccount('x', { accountId: 'account-1', userId: 'user-1' })],
  ])('never touches %s that is there', async (_name, there) => {
    const backup = await backupOf([ANN, BOB])
    const { store, accounts } = openFile([{ ...there, label: 'mine', tokenVersion: 9 }])
    const [before] = await accounts()
    expect(await importAccounts(store, backup, SEALING)).toEqual({
      kind: 'imported',
      added: ['bob@example.test'],
      known: ['mine'],
    })
    const [after] = await accounts()
    expect(JSON.stringify(after)).toBe(JSON.stringify(before))
    expect(after?.refreshToken.reveal()).toBe(before?.refreshToken.reveal())
  })

  it('brings back an account that was removed, and changes nothing the second time', async () => {
    const { store, folder, file } = openFile([ANN, BOB])
    const backup = join(folder, 'backup.json')
    await exportAccounts(store, backup, SEALING)
    await removeAccount(store, 'a')
    expect(await importAccounts(store, backup, SEALING)).toMatchObject({ added: ['ann'] })
    const before = readFileSync(file, 'utf8')
    expect(await importAccounts(store, backup, SEALING)).toMatchObject({ added: [] })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('gives a name that is taken a number', async () => {
    const backup = await backupOf([ANN])
    const { store, accounts } = openFile([rawAccount('x', { label: 'ann' })])
    expect(await importAccounts(store, backup, SEALING)).toMatchObject({ added: ['ann (2)'] })
    expect((await accounts()).map(({ label }) => label)).toEqual(['ann', 'ann (2)'])
  })

  it('changes nothing with a wrong passphrase, and says so', async () => {
    const backup = await backupOf([ANN])
    const { store, file } = openFile([BOB])
    const before = readFileSync(file, 'utf8')
    const wrong = { ...SEALING, passphrase: secret('wrong horse') }
    expect(await importAccounts(store, backup, wrong)).toEqual({
      kind: 'failed',
      problem: 'The passphrase is wrong, or the file was changed. Nothing was imported.',
    })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('says what is wrong with the file', async () => {
    const { store, folder } = openFile([])
    const problem = async (name: string) => {
      const result = await importAccounts(store, join(folder, name), SEALING)
      return result.kind === 'failed' ? result.problem : ''
    }
    mkdirSync(join(folder, 'dir'))
    writeFileSync(join(folder, 'text'), 'hello')
    expect(await problem('missing')).toContain('is not there')
    expect(await problem('dir')).toContain('not a regular file')
    expect(await problem('text')).toContain('no backup of accounts')
  })
})

describe.each(RUNTIMES)('in %s', (runtime) => {
  it('backups are written, and those of the other runtime opened', async () => {
    const { file, folder } = openFile([BOB])
    const theirs = await backupOf([ANN])
    const target = join(temporaryFolder(), 'mine.json')
    const script = new URL('programs/open-backup.ts', import.meta.url)
    const program = startProgram(script, [file, target, theirs, 'correct horse'], runtime)
    expect(JSON.parse(await program.line())).toMatchObject([
      { kind: 'exported', count: 1 },
      { kind: 'imported', added: ['ann'], known: [] },
      { ok: false },
    ])
    expect(await program.ended()).toBe(0)
    expect(readFileSync(join(folder, 'accounts.json-imported'), 'utf8')).toContain(`${CANARY}-a`)
    const { store } = openFile([])
    expect(await importAccounts(store, target, SEALING)).toMatchObject({
      added: ['bob@example.test'],
    })
  })
})
