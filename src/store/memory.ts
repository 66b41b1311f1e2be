import { EMPTY_DOCUMENT } from './document.ts'
import type { AccountStore, StoreDocument } from './store.ts'

/** What several memory stores share, as several file stores share a file. */
export interface MemoryPlace {
  document: StoreDocument
  readonly stores: Set<() => void>
}

export function createMemoryPlace(document: StoreDocument = EMPTY_DOCUMENT): MemoryPlace {
  return { document, stores: new Set() }
}

/** Accounts kept in memory: for programs that bring their own, and for tests. */
export function createMemoryStore(place: MemoryPlace = createMemoryPlace()): AccountStore {
  const listeners = new Set<() => void>()
  let lastSeen: StoreDocument | undefined
  place.stores.add(notify)

  return {
    async read() {
      lastSeen = place.document
      return { ok: true, document: lastSeen, warnings: [] }
    },
    async update(change) {
      const before = place.document
      const after = change(before)
      lastSeen = after === before ? before : { ...after, rev: before.rev + 1 }
      place.document = lastSeen
      if (after !== before) for (const tell of place.stores) queueMicrotask(tell)
      return { ok: true, document: lastSeen, warnings: [] }
    },
    changed: () => place.document !== lastSeen,
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async dispose() {
      listeners.clear()
      place.stores.delete(notify)
    },
  }

  function notify(): void {
    if (place.document === lastSeen) return
    for (const listener of listeners) listener()
  }
}
