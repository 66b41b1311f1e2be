import type { Pool } from '../pool/pool.ts'
import type { ReplayableRequest } from '../provider/provider.ts'

/**
 * Which reasoning each account could not read: it is sent the same once
 * (`docs/decisions/014-foreign-reasoning.md`).
 */
export interface ForeignReasoning {
  /** The request without what this account is known not to read. */
  readable(account: string, request: ReplayableRequest): ReplayableRequest
  /** The account has refused it: the same without its reasoning; undefined when there is none. */
  refused(account: string, request: ReplayableRequest): ReplayableRequest | undefined
}

/** Per account; of some hundred bytes each. The oldest are forgotten first, and refused once more. */
const MOST_KNOWN = 4_000

export function createForeignReasoning(
  pool: Pick<Pool, 'provider' | 'transforms'>,
): ForeignReasoning {
  const unreadable = new Map<string, Set<string>>()
  const isOn = () => pool.transforms().omitForeignReasoning

  function note(account: string, mark: string): void {
    const marks = unreadable.get(account) ?? new Set()
    unreadable.set(account, marks.add(mark))
    const [oldest] = marks
    if (marks.size > MOST_KNOWN && oldest !== undefined) marks.delete(oldest)
  }

  return {
    readable(account, request) {
      const marks = unreadable.get(account)
      if (marks === undefined || !isOn()) return request
      return pool.provider.withoutReasoning(request, (mark) => marks.has(mark)) ?? request
    },
    refused(account, request) {
      if (!isOn()) return undefined
      return pool.provider.withoutReasoning(request, (mark) => {
        note(account, mark)
        return true
      })
    },
  }
}
