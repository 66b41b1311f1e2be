import type { SpendJournal, SpendRecord } from './journal.ts'

/** The journal of a pool that lives in one process: its single flight needs no tickets. */
export function createMemoryJournal(): SpendJournal {
  const records = new Map<string, SpendRecord>()
  return {
    read: async (token) => records.get(token.reveal()),
    async claim(token) {
      const record = records.get(token.reveal())
      return record === undefined ? { kind: 'ours', inDoubt: false } : { kind: 'spent', record }
    },
    wait: async (token) => records.get(token.reveal()),
    async record(token, record) {
      records.set(token.reveal(), record)
    },
    release: async () => {},
  }
}
