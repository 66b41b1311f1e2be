import type { Pool } from '../../pool/pool.ts'
import type { AccountStore } from '../../store/store.ts'
import type { World } from '../../world.ts'
import type { Screen } from './screen.ts'

/** What every item of the menu works with. */
export interface MenuParts {
  readonly pool: Pick<
    Pool,
    'provider' | 'endpoints' | 'settings' | 'upToDate' | 'status' | 'readUsage'
  >
  /** Another than the pool's own, which then sees what is written here as a change. */
  readonly store: AccountStore
  readonly world: World
  readonly screen: Screen
  /** Where the provider's config file is. */
  readonly configDir: string
  /** Reads the configuration again. */
  readonly reload: () => Promise<void>
  /** Shows a page to the person; false where there is no browser. */
  readonly openPage: (url: string) => boolean
  /** Aborts when the host ends. */
  readonly signal: AbortSignal
}
