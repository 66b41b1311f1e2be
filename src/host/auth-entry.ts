import { readFile } from 'node:fs/promises'
import type { PluginInput } from '@opencode-ai/plugin'
import * as v from 'valibot'

/** What OpenCode's own login file holds for a provider, as far as we care. */
export type AuthEntry = 'none' | 'oauth' | 'api' | 'unreadable'

const entries = v.pipe(
  v.string(),
  v.parseJson(),
  v.record(v.string(), v.looseObject({ type: v.string() })),
)

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
 * The host calls our loader only for a provider that its login file names. The entry is empty: the
 * tokens live in the pool's own file, so that no second copy of a rotating token exists.
 */
export async function writeAuthEntry(client: PluginInput['client'], provider: string) {
  const body = { type: 'oauth', refresh: '', access: '', expires: 0 } as const
  const { error } = await client.auth.set({ path: { id: provider }, body })
  return error === undefined
}
