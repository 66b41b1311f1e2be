import type { Hooks } from '@opencode-ai/plugin'
import { isDirectKey } from './auth-file.ts'

type ProviderHook = NonNullable<Hooks['provider']>

const FREE = { input: 0, output: 0, cache: { read: 0, write: 0 } }

/**
 * A subscription is paid by the month: its requests cost nothing more, and OpenCode shows that.
 * OpenCode (1.18) calls the hook once when it reads its providers, after the plugins have started
 * and before it calls their loaders. The hook sees the models of OpenCode's own list, and the
 * provider's login. What `opencode.json` says about a model is laid over the result: a price that
 * the person wrote there stays. Everything but the price is left as it is.
 */
export function createPrices(provider: string, isPaid: () => boolean): ProviderHook {
  return {
    id: provider,
    async models({ models }, { auth }) {
      // Without a login OpenCode does not call our loader: a key of the environment is used.
      if (auth === undefined || isDirectKey(auth) || !isPaid()) return models
      const free = Object.entries(models).map(([id, model]) => [id, { ...model, cost: FREE }])
      return Object.fromEntries(free)
    },
  }
}
