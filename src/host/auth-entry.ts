import { readFile } from 'node:fs/promises'
import type { PluginInput } from '@opencode-ai/plugin'
import * as v from 'valibot'
import { withLock } from '../store/lock.ts'

/** What OpenCode's own login file holds for a provider, as far as we care. */
export type AuthEntry = 'none' | 'oauth' | 'api' | 'unreadable'

const entries = v.pipe(
  v.string(),
  v.parseJson(),
  v.record(v.string(), v.looseObject({ type: v.string() })),
)

export interface AuthPlace {
  readonly client: PluginInput['client']
  readonly provider: string
  readonly authFile: string
  /** Any path that all our processes agree on; a lock is made beside it. */
  readonly lockFile: string
}

const LOCK_MS = 1_000

export async function readAuthEntry(authFile: string, provider: string): Promise<AuthEntry> {
  const text = await readFile(authFile, 'utf8').catch((error: unknown) =>
    error instanceof Error && 'code' in error && error.code === 'ENOENT' ? '{}' : undefined,
  )
  if (text === undefined) return 'unreadable'
  const parsed = v.safeParse(entries, text)
  if (!parsed.success) return 'unreadable'
  const entry = Object.hasOwn(parsed.output, provider) ? parsed.output[provider] : undefined
  if (entry === undefined) return 'none'
  return entry.type === 'oauth' ? 'oauth' : 'api'
}

/**
 * Writes an entry where there is none: the host calls our loader only for a provider that its login
 * file names. The entry is empty, because the tokens live in the pool's own file and a rotating
 * token must not exist twice.
 */
export async function ensureAuthEntry(place: AuthPlace): Promise<void> {
  const { client, provider, authFile, lockFile } = place
  const isMissing = async () => (await readAuthEntry(authFile, provider)) === 'none'
  if (!(await isMissing())) return
  // The host rewrites the whole file without a lock: of two processes that start together, each
  // would undo the other's entry.
  await withLock(lockFile, { deadlineMs: LOCK_MS }, async () => {
    const body = { type: 'oauth', refresh: '', access: '', expires: 0 } as const
    if (await isMissing()) await client.auth.set({ path: { id: provider }, body })
  })
}
