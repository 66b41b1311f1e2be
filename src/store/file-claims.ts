import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LEASE_MS, type Lease, type LeaseHolder } from '../../machines/leases.ts'
import { writeAtomically } from './atomic.ts'
import type { ClaimStore, ClaimsOutcome, HeldAccount } from './claims.ts'
import {
  type ClaimsDocument,
  type StoredLease,
  addLease,
  changeLeases,
  parseClaims,
  serializeClaims,
  traceOf,
} from './claims-document.ts'
import { type HeldLock, withLock } from './lock.ts'
import type { LockWait } from './patience.ts'
import { type Liveness, type OwnerRecord, isAlive, isSameProcess, newOwnerRecord } from './owner.ts'
import { sweep } from './sweep.ts'
import { errorCode, readTarget, resolveTarget, stillHolds } from './target.ts'
import { createWatches } from './watches.ts'

export interface FileClaimsOptions {
  /** Path of the claims file. It is made with the first lease. */
  readonly file: string
  /** Wall clock, epoch ms. */
  readonly now: () => number
  /** Whose leases these are; default: this process. */
  readonly self?: OwnerRecord
}

/** A lease that is a heartbeat late is no harm: better than queueing behind a slow disk. */
const WRITE_WAIT_MS = 2_000
/** The host waits for this at its end. What stays behind ends by itself. */
const RELEASE_WAIT_MS = 300
/** Each means that another program wrote without the lock. */
const MAX_CONFLICTS = 5

/** Leases in a file that other processes, and other programs, read and write too. */
export function createFileClaims(options: FileClaimsOptions): ClaimStore {
  const { file, now, self = newOwnerRecord() } = options
  const watches = createWatches(file)
  /** Accounts whose lease in the file may be ours, through this store. */
  let held: ReadonlySet<string> = new Set()
  /** When a lease that claims to be from the future was first seen. */
  let sightings: ReadonlyMap<string, number> = new Map()
  let last: Promise<unknown> = Promise.resolve()
  let isSwept = false
  let waiting = new AbortController()

  return {
    async read() {
      const { claims } = await load().catch(() => NOTHING)
      return foreignLeases(livingOf(claims))
    },
    write(mine) {
      const { signal } = waiting
      return inTurn(() => put(mine, { deadlineMs: WRITE_WAIT_MS, signal }))
    },
    async release() {
      // A write that still waits for the lock would only be undone.
      waiting.abort()
      waiting = new AbortController()
      await inTurn(() => put([], { deadlineMs: RELEASE_WAIT_MS }))
    },
    watch: watches.add,
    dispose: watches.dispose,
  }

  /** One after the other: a write that is late must not undo a release. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = last.then(step)
    last = turn.catch(() => undefined)
    return turn
  }

  async function put(mine: readonly HeldAccount[], wait: LockWait): Promise<ClaimsOutcome> {
    if (mine.length === 0 && held.size === 0) return { ok: true }
    if (wait.signal?.aborted === true) return { ok: false, detail: 'given back before' }
    held = new Set([...held, ...mine.map(({ account }) => account)])
    try {
      const path = await resolveTarget(file)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const written = await withLock(path, wait, (lock) => replace(path, lock, mine))
      if (!written.ok) return { ok: false, detail: written.detail }
      if (!written.value) return { ok: false, detail: 'other programs change it all the time' }
      held = new Set(mine.map(({ account }) => account))
      if (!isSwept) await sweep(path, now)
      isSwept = true
      return { ok: true }
    } catch (error) {
      return { ok: false, detail: errorCode(error) }
    }
  }

  async function replace(
    path: string,
    lock: HeldLock,
    mine: readonly HeldAccount[],
  ): Promise<boolean> {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const { claims, text } = await load()
      const outcome = await writeAtomically(path, serializeClaims(withMine(claims, mine)), {
        check: () => lock.held() && stillHolds(path, text),
        durable: false,
      })
      if (outcome === 'written') return true
    }
    return false
  }

  function withMine(claims: ClaimsDocument, mine: readonly HeldAccount[]): ClaimsDocument {
    const { pid, startTime, bootId, pidNamespace, host } = self
    const others = changeLeases(livingOf(claims), (lease, account) =>
      held.has(account) && isOwn(lease) ? undefined : lease,
    )
    return mine.reduce(
      (all, { account, inFlight }) =>
        addLease(all, account, {
          pid,
          startedAt: startTime,
          bootId,
          pidNamespace,
          host,
          at: now(),
          inFlight,
        }),
      others,
    )
  }

  async function load(): Promise<{ claims: ClaimsDocument; text: string | undefined }> {
    const target = await readTarget(file)
    // What must not be read must not be replaced either: the write sees that by itself.
    if (target.kind !== 'file') return NOTHING
    return { claims: parseClaims(target.text), text: target.text }
  }

  /** Without the leases of the dead, of those that went silent, and of a future that is not ours. */
  function livingOf(claims: ClaimsDocument): ClaimsDocument {
    const [time, known, ahead] = [now(), new Map<string, Liveness>(), new Map<string, number>()]
    const living = changeLeases(claims, (lease, account) => {
      const at = lease.at > time ? seenAt(lease, account, time) : lease.at
      if (lease.at > time) ahead.set(sightingOf(lease, account), at)
      return time - at < LEASE_MS && !isDead(lease, known) ? { ...lease, at } : undefined
    })
    sightings = ahead
    return living
  }

  function seenAt(lease: StoredLease, account: string, time: number): number {
    return Math.min(time, sightings.get(sightingOf(lease, account)) ?? time)
  }

  function foreignLeases(claims: ClaimsDocument): readonly Lease[] {
    return [...claims].flatMap(([account, { leases }]) =>
      leases
        .filter((lease) => !isOwn(lease))
        .map((lease) => ({
          account,
          inFlight: lease.inFlight,
          until: lease.at + LEASE_MS,
          holder: holderOf(lease),
        })),
    )
  }

  function isOwn(lease: StoredLease): boolean {
    return isSameProcess(traceOf(lease), self)
  }
}

function sightingOf({ host, pid, at }: StoredLease, account: string): string {
  return JSON.stringify([account, host, pid, at])
}

function holderOf({ pid, host, bootId, pidNamespace, startedAt }: StoredLease): LeaseHolder {
  return { pid, key: JSON.stringify([host, bootId, pidNamespace, pid, startedAt]) }
}

const NOTHING = { claims: new Map(), text: undefined }

/** `known`: one look per process, however many leases it holds. */
function isDead(lease: StoredLease, known: Map<string, Liveness>): boolean {
  const trace = traceOf(lease)
  const key = JSON.stringify(trace)
  const liveness = known.get(key) ?? isAlive(trace)
  known.set(key, liveness)
  return liveness === 'dead'
}
