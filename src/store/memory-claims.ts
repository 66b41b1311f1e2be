import { LEASE_MS, type LeaseHolder } from '../../machines/leases.ts'
import type { ClaimStore, HeldAccount } from './claims.ts'
import { newOwnerRecord } from './owner.ts'

/** What several memory claims share, as several processes share a file. */
export interface MemoryClaimsPlace {
  readonly holders: Map<LeaseHolder, { readonly at: number; readonly held: readonly HeldAccount[] }>
  readonly listeners: Set<() => void>
}

export function createMemoryClaimsPlace(): MemoryClaimsPlace {
  return { holders: new Map(), listeners: new Set() }
}

/** Leases in memory: for a pool whose accounts are in memory too, and for tests. */
export function createMemoryClaims(place: MemoryClaimsPlace, now: () => number): ClaimStore {
  const { pid, nonce } = newOwnerRecord()
  const self: LeaseHolder = { pid, key: nonce }
  const listeners = new Set<() => void>()

  return {
    async read() {
      const others = [...place.holders].filter(([holder]) => holder !== self)
      return others
        .flatMap(([holder, { at, held }]) =>
          held.map((lease) => ({ ...lease, until: at + LEASE_MS, holder })),
        )
        .filter(({ until }) => until > now())
    },
    async write(mine) {
      if (mine.length > 0 || place.holders.has(self)) hold(mine)
      return { ok: true }
    },
    async release() {
      if (place.holders.has(self)) hold([])
    },
    watch(listener) {
      listeners.add(listener)
      place.listeners.add(listener)
      return () => {
        listeners.delete(listener)
        place.listeners.delete(listener)
      }
    },
    async dispose() {
      for (const listener of listeners) place.listeners.delete(listener)
      listeners.clear()
    },
  }

  function hold(held: readonly HeldAccount[]): void {
    if (held.length === 0) place.holders.delete(self)
    else place.holders.set(self, { at: now(), held })
    for (const tell of place.listeners) queueMicrotask(() => place.listeners.has(tell) && tell())
  }
}
