import type { Hooks } from '@opencode-ai/plugin'

type ProviderHook = NonNullable<Hooks['provider']>

const FREE = { input: 0, output: 0, cache: { read: 0, write: 0 } }

/**
 * A subscription is paid by the month: its requests cost nothing more, and OpenCode shows that. The
 * hook sees the models as OpenCode knows them; everything but the price stays as it is.
 */
export function createPrices(provider: string, isPaid: () => boolean): ProviderHook {
  return {
    id: provider,
    async models({ models }) {
      if (!isPaid()) return models
      const free = Object.entries(models).map(([id, model]) => [id, { ...model, cost: FREE }])
      return Object.fromEntries(free)
    },
  }
}
