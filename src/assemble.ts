import { type PoolParts, createPool } from './pool/create-pool.ts'
import type { Pool } from './pool/pool.ts'
import { type PoolFetch, createExecutor } from './request/executor.ts'

export interface Assembled {
  readonly pool: Pool
  readonly fetch: PoolFetch
  /** Resolves when the accounts were read for the first time; never rejects. */
  readonly ready: Promise<void>
}

/** Wires the stations in the order of the flow: request → executor → pool → store. */
export function assemble(parts: PoolParts): Assembled {
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
