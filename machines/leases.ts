/** What another process holds: a preference of its for an account, never a lock on it. */
export interface Lease {
  /** The account's id. */
  readonly account: string
  /** Requests on their way when the lease was written. */
  readonly inFlight: number
  /** Epoch ms at which it ends, unless its process renews it. */
  readonly until: number
  /** Who holds it; absent where that does not matter. */
  readonly holder?: LeaseHolder
}

export interface LeaseHolder {
  readonly pid: number
  /** Tells two processes with the same number apart: of other machines, of containers. */
  readonly key: string
}

/** How long a lease lives without a sign of life of its process, ms. */
export const LEASE_MS = 60_000

/** How busy others keep each account. One that is held without a request still counts as one. */
export function foreignLoads(leases: readonly Lease[]): ReadonlyMap<string, number> {
  const loads = new Map<string, number>()
  for (const { account, inFlight } of leases) {
    loads.set(account, (loads.get(account) ?? 0) + Math.max(1, inFlight))
  }
  return loads
}

/** Those that have not ended; the same list when none has. */
export function living(leases: readonly Lease[], now: number): readonly Lease[] {
  return leases.some(({ until }) => until <= now)
    ? leases.filter(({ until }) => until > now)
    : leases
}

/** Epoch ms of the first end; `Infinity` without leases. */
export function firstEnd(leases: readonly Lease[]): number {
  return Math.min(...leases.map(({ until }) => until))
}
