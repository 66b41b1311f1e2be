import type { PoolInput } from '../../machines/pool.ts'
import type { Settings } from '../config/schema.ts'
import type { World } from '../world.ts'

/** The configuration in the machines' words, read at every use. */
export function machineInput({ now, random }: World, settings: () => Settings): PoolInput {
  return {
    now,
    random,
    policy: () => ({
      maxAuthFailures: settings().max_consecutive_auth_failures,
      authBackoffMs: settings().token_failure_backoff_ms,
      strikeBackoffMs: settings().rate_limit_min_backoff_ms,
    }),
    renewal: () => ({
      enabled: settings().proactive_refresh,
      leadMs: settings().proactive_refresh_buffer_seconds * 1_000,
      intervalMs: settings().proactive_refresh_interval_seconds * 1_000,
    }),
  }
}
