import { dirname, join } from 'node:path'
import { providers } from './provider/providers.ts'
import { createFileJournal } from './store/file-journal.ts'
import type { SpendJournal } from './store/journal.ts'
import { storedTokens } from './store/stored-tokens.ts'

/** The journal beside an accounts file. The files of all providers in that folder share it. */
export function openSpendJournal(accountsFile: string): SpendJournal {
  const folder = dirname(accountsFile)
  const shared = Object.values(providers).map((provider) => join(folder, provider.accountsFile))
  const files = [...new Set([accountsFile, ...shared])]
  return createFileJournal(join(folder, 'multiauth-refresh'), () => storedTokens(files))
}
