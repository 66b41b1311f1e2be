import type { World } from '../world.ts'

/**
 * How much one request may try, whatever the reasons: our retries multiply with the host's, so
 * they are few.
 */
export interface Budget {
  /** One more request goes out; false when too many did, or when it is too late for one. */
  spend(): boolean
  /** The connection failed: may it be tried once more? */
  mayRetryNetwork(): boolean
  /** The provider is in trouble: may this account be tried once more? */
  mayRetryOverload(): boolean
  /** May another account be tried while the provider is in trouble? */
  mayMoveOverloaded(): boolean
}

/** What the provider's last answers say about its own health, shared by all requests of a pool. */
export interface ProviderHealth {
  /** Epoch ms until which one attempt is enough to see whether the trouble is over. */
  troubledUntil: number
}

const LEAST_ATTEMPTS = 6
const ATTEMPTS_PER_ACCOUNT = 3
/** No attempt begins later: the host gives up after 300 s. */
const LONGEST_MS = 240_000
const NETWORK_RETRIES = 1
const OVERLOAD_RETRIES = 1
const OVERLOAD_MOVES = 1
/** The host asks again by itself; within this time its repetition does not repeat our retries. */
export const TROUBLE_LASTS_MS = 60_000

export function createBudget(
  accounts: number,
  health: ProviderHealth,
  world: Pick<World, 'now' | 'monotonic'>,
): Budget {
  const troubled = health.troubledUntil > world.now()
  const latest = world.monotonic() + LONGEST_MS
  let attempts = Math.max(LEAST_ATTEMPTS, ATTEMPTS_PER_ACCOUNT * accounts)
  let networkRetries = NETWORK_RETRIES
  let overloadRetries = troubled ? 0 : OVERLOAD_RETRIES
  let overloadMoves = troubled ? 0 : OVERLOAD_MOVES
  return {
    spend: () => attempts-- > 0 && world.monotonic() < latest,
    mayRetryNetwork: () => networkRetries-- > 0,
    mayRetryOverload: () => overloadRetries-- > 0,
    mayMoveOverloaded: () => overloadMoves-- > 0,
  }
}
