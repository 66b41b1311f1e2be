import type { Hooks } from '@opencode-ai/plugin'
import type { Decision } from '../../pool/decisions.ts'
import type { PoolStatus } from '../../pool/status.ts'
import type { Provider } from '../../provider/provider.ts'
import { statusMarkdown, whyMarkdown } from './markdown.ts'

interface ToolsParts {
  readonly provider: Pick<Provider, 'name' | 'toolPrefix'>
  readonly status: () => PoolStatus
  readonly decisions: () => readonly Decision[]
}

/** What the model, and so the person, can ask in the middle of a session. They change nothing. */
export function createTools({
  provider,
  status,
  decisions,
}: ToolsParts): NonNullable<Hooks['tool']> {
  const { name, toolPrefix } = provider
  return {
    [`${toolPrefix}_status`]: {
      description:
        `Shows every ${name} account of the pool: plan, state and why, limits with their reset ` +
        `times, and how much of each window is used. Repeat its answer to the person as it is.`,
      args: {},
      execute: async () => statusMarkdown(name, status(), Date.now()),
    },
    [`${toolPrefix}_why`]: {
      description:
        `Shows which ${name} account each of the last requests went to and why, and what happened ` +
        `to the accounts. Repeat its answer to the person as it is.`,
      args: {},
      execute: async () => whyMarkdown(name, decisions()),
    },
  }
}
