import type { SpendClaim, SpendJournal, SpendRecord } from './journal.ts'

/** The journal of a pool that lives in one process. */
export function createMemoryJournal(): SpendJournal {
  const records = new Map<string, SpendRecord>()
  const held = new Set<string>()
  const doubted = new Set<string>()

  function claim(token: string): SpendClaim {
    const record = records.get(token)
    if (record !== undefined) return { kind: 'spent', record }
    if (held.has(token)) return { kind: 'theirs' }
    held.add(token)
    return { kind: 'ours', inDoubt: doubted.has(token) }
  }

  return {
    spent: async (tokens) => tokens.map((token) => records.get(token.reveal())),
    claim: async (token) => claim(token.reveal()),
    async wait(token) {
      const claimed = claim(token.reveal())
      return claimed.kind === 'theirs' ? undefined : claimed
    },
    async markSent() {},
    async record(token, record) {
      held.delete(token.reveal())
      records.set(token.reveal(), record)
    },
    async release(token) {
      held.delete(token.reveal())
    },
    async leaveInDoubt(token) {
      held.delete(token.reveal())
      doubted.add(token.reveal())
    },
  }
}
