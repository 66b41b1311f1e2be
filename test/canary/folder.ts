import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findSecret } from './forms.ts'

/** Where tokens belong: accounts and what they are made of, OpenCode's logins, a test's plugin. */
const MAY_HOLD_SECRETS = [
  /-multi-account-accounts\.json(?:\.|$)/,
  /(?:^|\/)accounts\.json(?:\.|$)/,
  /multiauth-refresh\//,
  /(?:^|\/)auth\.json$/,
  /\/plugins\/[ao]\.js$/,
]

/** Throws when a file's name, or a file that is no accounts file, holds a secret. */
export async function expectNoSecretIn(folder: string, below = ''): Promise<void> {
  // Locks come and go while somebody else still works here.
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(unlessGone)
  for (const entry of entries ?? []) {
    const path = join(below, entry.name)
    if (findSecret(entry.name) !== undefined) throw new Error(`A secret is in the name of ${path}`)
    if (entry.isDirectory()) await expectNoSecretIn(folder, path)
    if (!entry.isFile() || MAY_HOLD_SECRETS.some((allowed) => allowed.test(path))) continue
    const text = await readFile(join(folder, path), 'latin1').catch(unlessGone)
    if (findSecret(text ?? '') !== undefined) throw new Error(`A secret is in ${path}`)
  }
}

function unlessGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
