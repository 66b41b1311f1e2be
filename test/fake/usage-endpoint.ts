import type { Account } from './accounts.ts'
import { type Dialect, jsonAnswer } from './dialect.ts'
import type { HttpAnswer } from './http.ts'

/** What the usage endpoint does with a question of an account that has not asked too often. */
export type UsageBehavior = (account: string) => 'answers' | HttpAnswer | Promise<HttpAnswer>

/** Asked again within this time, it refuses: so do the real ones, and sooner or later for longer. */
const NOT_WITHIN_MS = 60_000

export const TELLS_USAGE: UsageBehavior = () => 'answers'

/** The usage of each account, at most once a minute. */
export function createUsageEndpoint(dialect: Dialect, now: () => number) {
  const lastAsked = new Map<string, number>()
  let behavior = TELLS_USAGE
  let refusals = 0

  return {
    async answer(account: Account): Promise<HttpAnswer> {
      const before = lastAsked.get(account.name) ?? -Infinity
      lastAsked.set(account.name, now())
      if (now() - before < NOT_WITHIN_MS) {
        refusals += 1
        return jsonAnswer(429, { error: { type: 'rate_limit_error', message: 'Too often.' } })
      }
      const reaction = await behavior(account.name)
      return reaction === 'answers' ? jsonAnswer(200, dialect.usage(account)) : reaction
    },
    behave(next: UsageBehavior) {
      behavior = next
    },
    /** How often an account was asked about too soon. */
    refusals: () => refusals,
  }
}
