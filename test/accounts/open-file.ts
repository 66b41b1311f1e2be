import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createFileStore } from '../../src/store/file.ts'
import type { StoredAccount } from '../../src/store/schema.ts'
import type { AccountStore } from '../../src/store/store.ts'
import { rawDocument, temporaryFolder } from '../store/examples.ts'

/** A real accounts file with these entries, and ways to its store: each as of another process. */
export function openFile(entries: readonly unknown[], fields: object = {}) {
  const folder = temporaryFolder()
  const file = join(folder, 'accounts.json')
  writeFileSync(file, rawDocument(entries, fields), { mode: 0o600 })

  function open(): AccountStore {
    const store = createFileStore({ file, now: Date.now })
    onTestFinished(() => store.dispose())
    return store
  }

  /** What stands in the file. */
  async function accounts(): Promise<readonly StoredAccount[]> {
    const result = await open().read()
    if (!result.ok) throw new Error(result.problem.message)
    return result.document.accounts
  }

  return { folder, file, store: open(), open, accounts }
}
