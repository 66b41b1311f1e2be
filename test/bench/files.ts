import fs from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { createAccountPool } from './built.ts'
import type { Row } from './table.ts'

const REQUESTS = 200
const WATCHER_STARTS_MS = 500

/** Calls that look at a file without opening it. */
const LOOKS = new Set(['stat', 'statSync', 'lstat', 'lstatSync', 'fstat', 'fstatSync'])
/** Not file system work. */
const IGNORED = new Set(['watch', 'watchFile', 'unwatchFile', 'constants', 'promises', 'Stats'])

/** What a request that only succeeds does to the disk, counted at Node's own functions. */
export async function measureFiles(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rota-bench-'))
  const file = join(folder, 'accounts.json')
  const fake = await createFakeAnthropic({ accounts: ['a', 'b', 'c'] })
  await fs.promises.writeFile(file, JSON.stringify(fake.seed()), { mode: 0o600 })
  const pool = createAccountPool({
    provider: 'anthropic',
    file,
    settings: { endpoints: fake.endpoints },
  })
  const ask = async () => {
    const response = await pool.fetch('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 8, messages: [] }),
    })
    await response.text()
  }
  await ask()
  // The watcher looks at the folder once when it starts; that is not the request's doing.
  await delay(WATCHER_STARTS_MS)
  const { counts, restore } = countCalls()
  for (let request = 0; request < REQUESTS; request++) await ask()
  restore()
  await pool.dispose()
  await fake.close()
  await rm(folder, { recursive: true, force: true })
  const looks = [...counts].filter(([name]) => LOOKS.has(name))
  const others = [...counts].filter(([name]) => !LOOKS.has(name))
  const names = others.map(([name]) => name).join(', ')
  return [
    {
      what: `files read or written by ${REQUESTS} successes${names && ` (${names})`}`,
      measured: sum(others),
      unit: '',
      target: 0,
      bare: 0,
    },
    {
      what: 'stats per success',
      measured: sum(looks) / REQUESTS,
      unit: '',
      // One before each choice, and the watcher's poll beside it.
      target: 2,
      bare: 0,
    },
  ]
}

function sum(entries: readonly [string, number][]): number {
  return entries.reduce((total, [, count]) => total + count, 0)
}

function countCalls() {
  const counts = new Map<string, number>()
  const undo: (() => void)[] = []
  for (const library of [fs, fs.promises]) {
    for (const [name, original] of Object.entries(library)) {
      if (typeof original !== 'function' || IGNORED.has(name) || /^[A-Z_]/.test(name)) continue
      const counted = (...given: unknown[]) => {
        counts.set(name, (counts.get(name) ?? 0) + 1)
        return Reflect.apply(original, library, given)
      }
      Reflect.set(library, name, counted)
      undo.push(() => void Reflect.set(library, name, original))
    }
  }
  syncBuiltinESMExports()
  return {
    counts,
    restore() {
      for (const each of undo) each()
      syncBuiltinESMExports()
    },
  }
}
