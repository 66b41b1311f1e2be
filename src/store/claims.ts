import type { Lease } from '../../machines/leases.ts'

/** An account that this process holds a lease for. */
export interface HeldAccount {
  readonly account: string
  /** Requests on their way now. */
  readonly inFlight: number
}

/** How a write ended. `detail`: the end of a sentence about the claims file. */
export type ClaimsOutcome = { readonly ok: true } | { readonly ok: false; readonly detail: string }

/**
 * Which process uses which account, so that processes spread over the accounts. Leases of both
 * providers share one place. Nothing here ever rejects: claims that cannot be read or written are
 * claims that nobody sees. Two implementations, one contract suite (`test/contract/claims.ts`).
 */
export interface ClaimStore {
  /** What other processes hold, without those that are dead or gave no sign of life for a minute. */
  read(): Promise<readonly Lease[]>
  /** Makes `mine` all that is held through this store. Sweeps what the dead left. */
  write(mine: readonly HeldAccount[]): Promise<ClaimsOutcome>
  /** Gives back all that is held through this store, after the writes that are on their way. */
  release(): Promise<void>
  /** Calls `listener` after leases changed, by others or here. Returns the way to stop. */
  watch(listener: () => void): () => void
  /** Stops watching. Safe to call twice. Gives nothing back: that is `release`. */
  dispose(): Promise<void>
}
