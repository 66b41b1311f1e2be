import { readFile, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { findSecret } from './forms.ts'

/** Where tokens belong: the accounts and what they are made of, and OpenCode's own logins. */
const MAY_HOLD_SECRETS = [
  /-multi-account-accounts\.json(?:\.|$)/,
  /(?:^|\/)accounts\.json(?:\.|$)/,
  /multiauth-refresh\//,
  /(?:^|\/)auth\.json$/,
]

/** Throws when a file's name, or a file that is no accounts file, holds a secret. */
export async function expectNoSecretIn(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const shown = relative(folder, path)
    if (findSecret(shown) !== undefined) throw new Error(`A secret is in the name of ${shown}`)
    if (!entry.isFile() || MAY_HOLD_SECRETS.some((allowed) => allowed.test(shown))) continue
    const text = await readFile(path, 'latin1')
    if (findSecret(text) !== undefined) throw new Error(`A secret is in ${shown}`)
  }
}
