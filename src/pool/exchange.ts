import type { Endpoints } from '../provider/endpoints.ts'
import type { Provider, RefreshAnswer } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'

export interface ExchangeParts {
  readonly provider: Pick<Provider, 'refresh'>
  readonly endpoints: () => Endpoints
  readonly world: Pick<World, 'fetch' | 'now' | 'delay'>
}

/**
 * What the provider said. `inDoubt`: these exchanges may have spent the token; when it is dead,
 * these or earlier ones may have, and their answer was lost.
 */
export type ExchangeAnswer = RefreshAnswer & { readonly inDoubt: boolean }

/** Longer than any token endpoint takes; after it the answer is in doubt. */
const EXCHANGE_LIMIT_MS = 20_000
/** An exchange that ended without an answer sooner than this is tried again at once. */
const SOON_MS = 5_000
const PAUSE_MS = 500

/**
 * Spends a refresh token. A connection that breaks is in doubt: the same process tries once more,
 * while its ticket keeps all others away.
 */
export function createExchange({ provider, endpoints, world }: ExchangeParts) {
  async function ask(refreshToken: Secret): Promise<ExchangeAnswer> {
    const answer = await provider.refresh({
      refreshToken,
      endpoints: endpoints(),
      fetch: world.fetch,
      now: world.now,
      signal: AbortSignal.timeout(EXCHANGE_LIMIT_MS),
    })
    return { inDoubt: false, ...answer }
  }

  return async function exchange(token: Secret, wasInDoubt: boolean): Promise<ExchangeAnswer> {
    const askedAt = world.now()
    const first = await ask(token)
    if (!first.inDoubt || world.now() - askedAt > SOON_MS) {
      return first.kind === 'dead' ? { ...first, inDoubt: wasInDoubt } : first
    }
    await world.delay(PAUSE_MS)
    return { ...(await ask(token)), inDoubt: true }
  }
}
