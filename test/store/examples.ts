import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parseDocument } from '../../src/store/document.ts'
import type { StoredAccount } from '../../src/store/schema.ts'
import type { StoreDocument, StoreResult } from '../../src/store/store.ts'

/** Part of every token in these tests: it must never be seen in a message. */
export const CANARY = 'canary-rt-5f1e'

/** An entry as the file holds it. */
export function rawAccount(uuid: string, fields: Readonly<Record<string, unknown>> = {}) {
  return {
    uuid,
    planTier: 'max',
    refreshToken: `${CANARY}-${uuid}`,
    addedAt: 1,
    lastUsed: 2,
    enabled: true,
    consecutiveAuthFailures: 0,
    isAuthDisabled: false,
    ...fields,
  }
}

export function rawDocument(accounts: readonly unknown[], fields: object = {}): string {
  return JSON.stringify({ version: 1, ...fields, accounts })
}

export function document(text: string): StoreDocument {
  const parsed = parseDocument(text)
  if (!parsed.ok) throw new Error(`not a document: ${parsed.detail}`)
  return parsed.document
}

function account(uuid: string, fields?: Readonly<Record<string, unknown>>): StoredAccount {
  const [only] = document(rawDocument([rawAccount(uuid, fields)])).accounts
  if (only === undefined) throw new Error('not an account')
  return only
}

export function adding(uuid: string): (before: StoreDocument) => StoreDocument {
  return (before) => ({ ...before, accounts: [...before.accounts, account(uuid)] })
}

export function uuids(result: StoreResult): readonly string[] {
  if (!result.ok) throw new Error(result.problem.message)
  return result.document.accounts.map(({ uuid }) => uuid)
}

/** A real folder, removed after the test. */
export function temporaryFolder(place = tmpdir()): string {
  const folder = mkdtempSync(join(realpathSync(place), 'rota-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** For tests that write a thousand times and need no real disk: flushing takes no time there. */
export const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Every file of the folder with its content, to see that nothing was touched. */
export function contents(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder).toSorted()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}
