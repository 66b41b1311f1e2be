import { readFile } from 'node:fs/promises'
import type { PluginInput } from '@opencode-ai/plugin'
import * as v from 'valibot'
import type { FoundLogin } from '../login/import.ts'
import { secret } from '../secret.ts'
import { withLock } from '../store/lock.ts'

/** What OpenCode's own login file holds for a provider, as far as we care. */
export type AuthEntry = 'none' | 'oauth' | 'other' | 'unreadable'

const entries = v.pipe(
  v.string(),
  v.parseJson(),
  v.check((value) => !Array.isArray(value)),
  v.record(v.string(), v.looseObject({ type: v.string() })),
)
const visible = v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/))
const login = v.object({
  type: v.literal('oauth'),
  refresh: visible,
  access: v.fallback(v.optional(visible), undefined),
  expires: v.fallback(v.optional(v.pipe(v.number(), v.finite(), v.gtValue(0))), undefined),
  accountId: v.fallback(v.optional(visible), undefined),
})

export interface AuthPlace {
  readonly client: PluginInput['client']
  readonly provider: string
  readonly authFile: string
  /** Any path that all our processes agree on; a lock is made beside it. */
  readonly lockFile: string
}

const LOCK_MS = 1_000

export async function readAuthEntry(authFile: string, provider: string): Promise<AuthEntry> {
  const found = await readEntries(authFile)
  if (found === undefined) return 'unreadable'
  const entry = entryOf(found, provider)
  if (entry === undefined) return 'none'
  return entry.type === 'oauth' ? 'oauth' : 'other'
}

/** A login of OpenCode's own that holds tokens; undefined for the empty entry that we write. */
export async function readLogin(
  authFile: string,
  provider: string,
): Promise<FoundLogin | undefined> {
  const parsed = v.safeParse(login, entryOf((await readEntries(authFile)) ?? {}, provider))
  if (!parsed.success) return undefined
  const { refresh, access, expires, accountId } = parsed.output
  return {
    refreshToken: secret(refresh),
    accessToken: access === undefined ? undefined : secret(access),
    expiresAt: expires,
    accountId,
  }
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

/** The host sends what the ChatGPT backend needs (`instructions`) only for an OAuth login. */
export function needsOAuthEntry(provider: string): boolean {
  return provider === 'openai'
}

/** Why the accounts are not used although they are there, and what to do. */
export function keyInTheWay({ name }: { readonly name: string }): string {
  return (
    `OpenCode has an API key for ${name} and uses it instead of your accounts. To use the ` +
    `accounts, run "opencode auth logout", choose ${name}, and start OpenCode again.`
  )
}

type Entries = v.InferOutput<typeof entries>

/** Undefined when it cannot be read, which is not the same as a missing file. */
async function readEntries(authFile: string): Promise<Entries | undefined> {
  const text = await readFile(authFile, 'utf8').catch((error: unknown) =>
    error instanceof Error && 'code' in error && error.code === 'ENOENT' ? '{}' : undefined,
  )
  const parsed = v.safeParse(entries, text)
  return parsed.success ? parsed.output : undefined
}

function entryOf(found: Entries, provider: string): Entries[string] | undefined {
  return Object.hasOwn(found, provider) ? found[provider] : undefined
}
