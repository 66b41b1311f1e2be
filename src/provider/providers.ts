import { anthropic } from './anthropic/adapter.ts'
import { openai } from './openai/adapter.ts'
import type { Provider } from './provider.ts'

/** Every provider there is, by its id in OpenCode. */
export const providers = { anthropic, openai } satisfies Record<string, Provider>
