import type { Settings } from './config/schema.ts'
import { createPool } from './pool/create-pool.ts'
import type { Pool } from './pool/pool.ts'
import type { Provider } from './provider/provider.ts'
import { type PoolFetch, createExecutor } from './request/executor.ts'
import type { ClaimStore } from './store/claims.ts'
import type { SpendJournal } from './store/journal.ts'
import type { AccountStore } from './store/store.ts'
import type { World } from './world.ts'

export interface Parts {
  readonly provider: Provider
  readonly store: AccountStore
  readonly journal: SpendJournal
  readonly claims: ClaimStore
  readonly world: World
  readonly settings: () => Settings
}

export interface Assembled {
  readonly pool: Pool
  readonly fetch: PoolFetch
  /** Resolves when the accounts were read for the first time; never rejects. */
  readonly ready: Promise<void>
}

/** Wires the stations in the order of the flow: request → executor → pool → store. */
export function assemble(parts: Parts): Assembled {
  const { pool, ready } = createPool(parts)
  const execute = createExecutor(pool, parts.world)
  return {
    pool,
    ready,
    fetch: async (input, init) => {
      await ready
      return execute(input, init)
    },
  }
}
