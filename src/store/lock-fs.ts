import { stat, utimes } from 'node:fs'
import { insist } from './insist.ts'
import { type Claim, claimFolder, unclaimFolder } from './lock-folder.ts'
import { clearStale } from './lock-repair.ts'

/** Nobody refreshed the lock for so long: its owner is gone, or stopped. */
export const STALE_MS = 15_000

/** Locks whose heartbeat is being stopped: given back already, so there is nothing to remove. */
export const releasing = new Set<string>()

const claims = new Map<string, Claim>()
/** Locks that could not be given back: a disk that was read-only for a while keeps them. */
const leftovers = new Map<string, Claim>()

/**
 * What `proper-lockfile` does on disk. Its own steps leave a gap between looking and removing, in
 * which several processes take over the same stale lock; these do both in one synchronous block.
 */
export const lockFs = {
  stat,
  utimes,
  mkdir(path: string, done: (error: unknown) => void) {
    settle(done, () => {
      clearLeftover(path)
      claims.set(path, claimFolder(path))
    })
  },
  rmdir(path: string, done: (error: unknown) => void) {
    settle(done, () => {
      if (!releasing.has(path) && !clearStale(path, STALE_MS)) throw new LockedError()
    })
  },
}

/** The lock folder that this process made at `path`, until it is given back. */
export function claimAt(path: string): Claim | undefined {
  return claims.get(path)
}

export function giveBack(path: string): void {
  const claim = claims.get(path)
  claims.delete(path)
  if (claim === undefined || insist(() => unclaimFolder(claim))) return
  leftovers.set(path, claim)
}

export function giveBackAll(): void {
  for (const path of claims.keys()) giveBack(path)
}

function clearLeftover(path: string): void {
  const claim = leftovers.get(path)
  if (claim === undefined) return
  unclaimFolder(claim)
  leftovers.delete(path)
}

class LockedError extends Error {
  override readonly name = 'LockedError'
  readonly code = 'ELOCKED'
}

function settle(done: (error: unknown) => void, step: () => void): void {
  try {
    step()
  } catch (error) {
    done(error)
    return
  }
  done(null)
}
