import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Home } from './home.ts'
import { startOpenCode } from './process.ts'

const { version }: { version: string } = createRequire(import.meta.url)('opencode-ai/package.json')
/** One for each version of the host; made by whoever needs it first. */
const KEPT = fileURLToPath(
  new URL(`../../../node_modules/.cache/opencode-rota/database-${version}`, import.meta.url),
)
/** What SQLite leaves when nobody has it open; the rest can be made anew from these. */
const FILES = ['opencode.db', 'opencode.db-wal']

/**
 * Gives the home the host's empty database. Two processes that start for the first time in one home
 * at the same time create it twice, and one of them dies ("Failed query: CREATE TABLE").
 */
export async function warmUp(home: Home): Promise<void> {
  const folder = dirname(home.authFile)
  if (existsSync(KEPT)) return copy(KEPT, folder)
  await startOpenCode(home, ['db', 'path'], 20_000).finished
  keep(folder)
}

function keep(folder: string): void {
  mkdirSync(dirname(KEPT), { recursive: true })
  const made = mkdtempSync(`${KEPT}-`)
  copy(folder, made)
  try {
    renameSync(made, KEPT)
  } catch {
    // Another test was faster.
    rmSync(made, { recursive: true })
  }
}

function copy(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of FILES) {
    if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name))
  }
}
