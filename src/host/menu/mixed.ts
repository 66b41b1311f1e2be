import { needsOAuthEntry } from '../auth-entry.ts'
import { besideLogins } from '../take-key.ts'
import type { MenuParts } from './parts.ts'

/** Where keys and logins are in one pool, OpenCode shows less of the keys. */
export function sayIfMixed({ pool, screen }: Pick<MenuParts, 'pool' | 'screen'>): void {
  const kinds = new Set(pool.status().accounts.map(({ kind }) => kind))
  if (kinds.size < 2 || !needsOAuthEntry(pool.provider.id)) return
  screen.say('warning', besideLogins(pool.provider))
}
