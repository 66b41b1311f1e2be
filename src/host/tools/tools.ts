import type { Hooks } from '@opencode-ai/plugin'
import type { Pool } from '../../pool/pool.ts'
import type { Said } from './markdown.ts'
import { statusMarkdown } from './status-markdown.ts'
import { whyMarkdown } from './why-markdown.ts'

type AskedPool = Pick<Pool, 'provider' | 'upToDate' | 'status' | 'decisions'>

/**
 * What the model, and so the person, can ask in the middle of a session. They change nothing. All
 * four stand in every request of every model, so their descriptions are short and never change.
 */
export function createTools(pool: AskedPool): NonNullable<Hooks['tool']> {
  const { name, toolPrefix } = pool.provider

  async function status() {
    // What another process learned a moment ago counts too.
    await pool.upToDate()
    return pool.status()
  }

  return {
    [`${toolPrefix}_status`]: {
      description:
        `Shows every ${name} account of the pool: plan, state and why, limits with their reset ` +
        `times, and how much of each window is used. Repeat its answer to the person as it is.`,
      args: {},
      execute: async () => spoken(statusMarkdown(name, await status(), Date.now())),
    },
    [`${toolPrefix}_why`]: {
      description:
        `Shows which ${name} account each of the last requests went to and why, and what happened ` +
        `to the accounts. Repeat its answer to the person as it is.`,
      args: {},
      async execute(_, { sessionID }) {
        const now = Date.now()
        const recent = pool.decisions()
        const isQuiet = recent.requests.length + recent.changes.length === 0
        const current = await status()
        if (isQuiet && current.accounts.length === 0) {
          return spoken(statusMarkdown(name, current, now))
        }
        return spoken(whyMarkdown(name, recent, { conversation: sessionID, now }))
      },
    },
  }
}

function spoken({ title, text }: Said): { readonly title: string; readonly output: string } {
  return { title, output: text }
}
