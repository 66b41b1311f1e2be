import { homedir } from 'node:os'
import { join } from 'node:path'
import { BACKUP_WARNING, exportAccounts, importAccounts } from '../../accounts/backup.ts'
import { LEAST_PASSPHRASE } from '../../accounts/seal.ts'
import { type Secret, secret } from '../../secret.ts'
import type { MenuParts } from './parts.ts'
import { counted, listed } from './words.ts'

/** Accounts into an encrypted file, or out of one. True when there is a new login. */
export async function exportOrImport(parts: MenuParts): Promise<boolean> {
  const { screen, pool } = parts
  const choice = await screen.choose('Export or import?', [
    ...(pool.status().accounts.length === 0
      ? []
      : [
          {
            value: 'export',
            label: 'Export all accounts',
            hint: 'into an encrypted file',
          } as const,
        ]),
    { value: 'import', label: 'Import accounts', hint: 'out of such a file' },
    { value: 'back', label: 'Back' },
  ])
  if (choice === 'export') return exportAll(parts)
  return choice === 'import' ? importAll(parts) : false
}

async function exportAll(parts: MenuParts): Promise<false> {
  const { screen, store, pool } = parts
  screen.say('warning', BACKUP_WARNING)
  const path = await askPath('Into which new file?', parts)
  if (path === undefined) return false
  const passphrase = await askNewPassphrase(parts)
  if (passphrase === undefined) return false
  const sealing = { provider: pool.provider.id, passphrase }
  const result = await screen.wait(
    'Encrypting',
    (signal) => exportAccounts(store, path, sealing, signal),
    ({ kind }) => kind,
  )
  if (result === undefined) return stopped(parts)
  if (result.kind === 'failed') screen.say('bad', result.problem)
  else {
    screen.say('good', `${counted(result.count, 'account')} exported to ${result.file}.`)
  }
  return false
}

async function importAll(parts: MenuParts): Promise<boolean> {
  const { screen, store, pool } = parts
  const path = await askPath('Out of which file?', parts)
  if (path === undefined) return false
  const typed = await screen.askSecret({ question: 'Its passphrase' })
  if (typed === undefined) return false
  const sealing = { provider: pool.provider.id, passphrase: secret(typed) }
  const result = await screen.wait(
    'Decrypting',
    (signal) => importAccounts(store, path, sealing, signal),
    ({ kind }) => kind,
  )
  if (result === undefined) return stopped(parts)
  if (result.kind === 'failed') {
    screen.say('bad', result.problem)
    return false
  }
  const { added, known } = result
  await pool.upToDate()
  if (added.length > 0) screen.say('good', `Added: ${listed(added)}.`)
  if (known.length > 0) screen.say('info', `Here already, and left as they are: ${listed(known)}.`)
  if (added.length + known.length === 0) screen.say('info', 'The file holds no account.')
  return added.length > 0
}

function stopped({ screen }: MenuParts): false {
  screen.say('info', 'Stopped. Nothing was changed.')
  return false
}

async function askPath(question: string, { screen, pool }: MenuParts): Promise<string | undefined> {
  const initial = join(homedir(), `${pool.provider.id}-accounts.backup.json`)
  const typed = await screen.ask({ question, initial, check: checkPath })
  const path = typed?.trim()
  return path?.startsWith('~/') === true ? join(homedir(), path.slice(2)) : path
}

function checkPath(typed: string): string | undefined {
  return typed.trim() === '' ? 'Name a file.' : undefined
}

/** Twice: a slip of the hand would lose everything. */
async function askNewPassphrase({ screen }: MenuParts): Promise<Secret | undefined> {
  const first = await screen.askSecret({
    question: `A passphrase of at least ${LEAST_PASSPHRASE} characters`,
    check: (typed) => (typed.length < LEAST_PASSPHRASE ? 'That is too short.' : undefined),
  })
  if (first === undefined) return undefined
  const second = await screen.askSecret({
    question: 'The same once more',
    check: (typed) => (typed === first ? undefined : 'That is another one.'),
  })
  return second === undefined ? undefined : secret(first)
}
