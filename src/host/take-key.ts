import { addKey } from '../login/add-key.ts'
import type { Pool } from '../pool/pool.ts'
import type { Secret } from '../secret.ts'
import type { AccountStore } from '../store/store.ts'
import { needsOAuthEntry } from './auth-entry.ts'
import { type AuthSource, readPoolKey } from './auth-file.ts'
import type { Voice } from './voice.ts'

export interface TakeKeyParts {
  readonly pool: Pick<Pool, 'provider' | 'settings' | 'status' | 'upToDate'>
  /** Another than the pool's own, which then sees what is written here as a change. */
  readonly store: AccountStore
  readonly voice: Voice
  readonly source: AuthSource
}

/**
 * Takes a key into the pool that was entered for it: OpenCode never shows it to a login method, it
 * stores it. Returns the key, which OpenCode need not keep any more; undefined when there is none.
 */
export async function takeKey(parts: TakeKeyParts): Promise<Secret | undefined> {
  const { pool, store, voice, source } = parts
  const { provider } = pool
  const found = await readPoolKey(source, provider.id)
  if (found === undefined) return undefined
  const saved = await addKey(store, found, Date.now)
  if (!saved.ok) {
    say('error', `The ${provider.name} API key was not added: ${saved.problem.message}`)
    return undefined
  }
  await pool.upToDate()
  const news = saved.isNew ? 'is now an account of the pool' : 'was in the pool already'
  const rest = saved.isEnabled ? '' : ' It stays turned off until you enable it.'
  say('info', `${provider.name} API key ${saved.label} ${news}.${rest}`)
  const hasLogins = pool.status().accounts.some(({ kind }) => kind === 'subscription')
  if (hasLogins && needsOAuthEntry(provider.id)) say('info', besideLogins(provider))
  return found.apiKey

  function say(level: 'info' | 'error', message: string): void {
    voice.log(level, message)
    if (!pool.settings().quiet_mode) voice.toast(level, message)
  }
}

/** What a person is to know who has both in one pool. */
export function besideLogins({ name }: { readonly name: string }): string {
  return (
    `Beside ${name} logins OpenCode offers only the models that logins have, and shows no price, ` +
    `although requests with the key cost something.`
  )
}
