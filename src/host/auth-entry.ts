import { dirname, join } from 'node:path'
import { withLock } from '../store/lock.ts'
import {
  type AuthEntry,
  type AuthLogins,
  type AuthSource,
  KEY_USE,
  readAuthLogins,
  readPoolKey,
} from './auth-file.ts'
import { isSame } from '../same.ts'
import type { Secret } from '../secret.ts'

/**
 * The entry that makes the host call our loader. It is empty, because the tokens live in the pool's
 * own file and a rotating token must not exist twice.
 */
export const EMPTY_ENTRY = { type: 'oauth', refresh: '', access: '', expires: 0 } as const

/** The same for a pool of keys alone, where the host must not take us for a login. */
export const EMPTY_KEY_ENTRY = { type: 'api', key: '', metadata: { [KEY_USE]: 'pool' } } as const

type EmptyEntry = typeof EMPTY_ENTRY | typeof EMPTY_KEY_ENTRY

/** The entry that a pool of these accounts needs: with a login's, OpenCode hides what a key has. */
export function entryFor(
  provider: string,
  accounts: readonly { readonly kind: 'subscription' | 'apiKey' }[],
): EmptyEntry {
  const isOfKeys = accounts.every(({ kind }) => kind === 'apiKey')
  return isOfKeys && needsOAuthEntry(provider) ? EMPTY_KEY_ENTRY : EMPTY_ENTRY
}

export interface AuthPlace {
  readonly provider: { readonly id: string; readonly name: string }
  readonly source: AuthSource
  /** Has the host store the entry. Rejects when it does not. */
  readonly write: (entry: EmptyEntry) => Promise<void>
  /** Default: the one of logins. */
  readonly wanted?: EmptyEntry
  /** A key that is in the pool now: its entry was a message to us. */
  readonly taken?: Secret | undefined
}

export type EntryResult =
  | { readonly kind: 'kept' | 'written' }
  /** For the person: why OpenCode does not use the accounts, and what to do. */
  | { readonly kind: 'refused'; readonly problem: string }

export interface EntryAfterLogin {
  readonly isWanted: boolean
  /** For the person: why the new account is not used all the same. */
  readonly warning: string | undefined
}

/** Several processes may start at once, each with both providers. */
const LOCK_MS = 4_000

/** Writes the empty entry where there is none, and only if the host loses nothing by it. */
export async function ensureAuthEntry(place: AuthPlace): Promise<EntryResult> {
  const { provider, source, write, wanted = EMPTY_ENTRY, taken } = place
  const look = async () => {
    const result = judge(await readAuthLogins(source), place, wanted)
    if (result === 'missing' || taken === undefined) return result
    const waiting = await readPoolKey(source, provider.id)
    const isTaken = waiting !== undefined && isSame(waiting.apiKey.reveal(), taken.reveal())
    return isTaken ? 'missing' : result
  }
  const found = await look()
  if (found !== 'missing') return found
  // The host rewrites the whole file without a lock: of two processes that start together, each
  // would undo the other's entry. The lock lies beside that file: whoever shares it shares the lock.
  const lockFile = join(dirname(source.file), 'multiauth-auth-entry')
  const locked = await withLock(lockFile, { deadlineMs: LOCK_MS }, async () => {
    const current = await look()
    if (current !== 'missing') return current
    await write(wanted)
    return { kind: 'written' } as const
  })
  if (locked.ok) return locked.value
  // Whoever held the lock may have written it.
  const late = await look()
  if (late !== 'missing') return late
  const problem = `${unused(provider)} ${source.file} could not be changed (${locked.detail}).`
  return { kind: 'refused', problem }
}

/** After a login or a key: whether the host is to store the empty entry, over whatever it has. */
export async function entryAfterLogin({
  provider,
  source,
  wanted = EMPTY_ENTRY,
}: Omit<AuthPlace, 'write'>): Promise<EntryAfterLogin> {
  const logins = await readAuthLogins(source)
  const entry = logins.kind === 'read' ? logins.of(provider.id) : undefined
  // The person asked for a login; the host would drop an entry that it cannot read anyway.
  const isOfKeys = logins.kind === 'read' && logins.empty(provider.id) === 'api'
  // The entry of keys is one that no login method can give: our next start writes it.
  const isMissing = wanted.type === 'oauth' && (entry === 'none' || isOfKeys)
  const isWanted = source.given === undefined && (entry === 'invalid' || isMissing)
  if (isWanted) return { isWanted, warning: undefined }
  if (isKeyInTheWay(entry, provider)) return { isWanted, warning: keyInTheWay(provider) }
  const found = judge(logins, { provider, source }, wanted)
  const warning = found !== 'missing' && found.kind === 'refused' ? found.problem : undefined
  return { isWanted, warning }
}

/** The host sends what the ChatGPT backend needs (`instructions`) only for an OAuth login. */
export function needsOAuthEntry(provider: string): boolean {
  return provider === 'openai'
}

/** Whether OpenCode goes on with its own key although there are accounts. */
export function isKeyInTheWay(entry: AuthEntry | undefined, { id }: { readonly id: string }) {
  return entry === 'direct' || (entry === 'other' && needsOAuthEntry(id))
}

/** Why the accounts are not used although they are there, and what to do. */
export function keyInTheWay({ name }: { readonly name: string }): string {
  return (
    `OpenCode has an API key for ${name} and uses it instead of your accounts. To use the ` +
    `accounts, run "opencode auth logout", choose ${name}, and start OpenCode again.`
  )
}

function judge(
  logins: AuthLogins,
  { provider, source }: Pick<AuthPlace, 'provider' | 'source'>,
  wanted: EmptyEntry,
): 'missing' | EntryResult {
  const { file, given } = source
  const refused = (why: string) =>
    ({ kind: 'refused', problem: `${unused(provider)} ${why}` }) as const
  if (given !== undefined) {
    const entry: AuthEntry = logins.kind === 'read' ? logins.of(provider.id) : 'none'
    // The host would write what was given to this process over what others have stored since.
    if (entry === 'none') return refused('OPENCODE_AUTH_CONTENT has no entry for it; add one.')
    return { kind: 'kept' }
  }
  if (logins.kind === 'unreadable') return refused(`${file} cannot be read; repair or remove it.`)
  const entry = logins.of(provider.id)
  if (entry === 'invalid') {
    return refused(`Its entry in ${file} is not valid; "opencode auth login" replaces it.`)
  }
  const empty = logins.empty(provider.id)
  // Ours, and of the kind that the pool needs no more.
  const isOutdated = empty !== undefined && empty !== wanted.type
  if (entry !== 'none' && !isOutdated) return { kind: 'kept' }
  if (!logins.losesEntries) return 'missing'
  return refused(
    `${file} has entries that OpenCode cannot read, and deletes when one is added. ` +
      `Remove them yourself, or run "opencode auth login", which deletes them.`,
  )
}

function unused({ name }: AuthPlace['provider']): string {
  return `OpenCode does not use the ${name} accounts.`
}
