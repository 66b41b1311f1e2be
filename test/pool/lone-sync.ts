import { createSync } from '../../src/pool/sync.ts'
import type { Vault } from '../../src/pool/vault.ts'
import type { AccountStore } from '../../src/store/store.ts'

/** A store in step with a vault, and with nobody else: no pool, no network, no timers. */
export function createLoneSync(store: AccountStore, now: () => number) {
  const vault: Vault = new Map()
  const world = {
    fetch: () => Promise.reject(new Error('not used')),
    now,
    arm: () => () => {},
    delay: async () => {},
    log: () => {},
  }
  const sync = createSync({
    store,
    vault,
    world,
    views: () => ({}),
    usageOf: () => ({ usage: [], usageAt: 0 }),
    usageStored: () => undefined,
    lastUsedAt: () => 0,
    active: () => undefined,
    tell: () => {},
    accountsFile: 'accounts.json',
  })
  return { sync, vault, world }
}
