import { importLogin } from '../login/import.ts'
import type { Pool } from '../pool/pool.ts'
import type { AccountStore } from '../store/store.ts'
import { type AuthSource, readLogin } from './auth-file.ts'
import type { Voice } from './voice.ts'

export interface ImportParts {
  readonly pool: Pick<Pool, 'provider' | 'settings' | 'status' | 'upToDate'>
  /** Another than the pool's own, which then sees what is written here as a change. */
  readonly store: AccountStore
  readonly voice: Voice
  readonly source: AuthSource
}

/** Takes OpenCode's own login over into an empty pool. OpenCode's file stays as it is. */
export async function importFromOpenCode(parts: ImportParts): Promise<void> {
  const { pool, store, voice, source } = parts
  const { provider } = pool
  // A file that cannot be read is not an empty one.
  if (pool.status().problem !== '') return
  const found = await readLogin(source, provider.id)
  if (found === undefined) return
  const result = await importLogin(store, provider, found, Date.now)
  if (result.kind === 'notNeeded') return
  if (result.kind === 'failed') return voice.log('error', result.problem.message)
  await pool.upToDate()
  const message = `The ${provider.name} login of OpenCode is now an account of the pool: ${result.label}.`
  voice.log('info', message)
  if (!pool.settings().quiet_mode) voice.toast('info', message)
}
