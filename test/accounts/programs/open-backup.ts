import { unseal } from '../../../src/accounts/seal.ts'
import { exportAccounts, importAccounts } from '../../../src/accounts/backup.ts'
import { secret } from '../../../src/secret.ts'
import { createFileStore } from '../../../src/store/file.ts'

/** Exports the accounts of one file and imports the backup of another runtime into a second one. */
const [mine = '', target = '', theirs = '', passphrase = ''] = process.argv.slice(2)
const sealing = { provider: 'anthropic', passphrase: secret(passphrase) }
const from = createFileStore({ file: mine, now: Date.now })
const into = createFileStore({ file: `${mine}-imported`, now: Date.now })
const said = [
  await exportAccounts(from, target, sealing),
  await importAccounts(into, theirs, sealing),
  await unseal('{}', sealing),
]
console.log(JSON.stringify(said))
await Promise.all([from.dispose(), into.dispose()])
