import { lstatSync, rmSync, writeFileSync } from 'node:fs'
import { insist } from './insist.ts'
import { clear, folderAt, readRecord } from './lock-folder.ts'
import { isAlive, isHalted } from './owner.ts'

/** Removes what stands at the lock's path if nobody touched it for `staleMs`; else false. */
export function clearStale(path: string, staleMs: number): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat !== undefined && stat.mtimeMs >= Date.now() - staleMs) return false
  clear(path)
  return true
}

/**
 * Removes the lock of a process that is provably dead or stopped by a signal. True: it is gone, try
 * at once. A stopped one finds its lock lost when it goes on, and begins its update anew.
 */
export function clearDead(path: string): boolean {
  const record = readRecord(path)
  if (record === undefined || record.folder !== folderAt(path)) return false
  if (isAlive(record) !== 'dead' && !isHalted(record)) return false
  return exclusively(`${path}-taken-${record.nonce}`, () => {
    // Another process may have been here first, and may own the lock by now.
    if (readRecord(path)?.nonce === record.nonce && folderAt(path) === record.folder) clear(path)
  })
}

/**
 * Removes what never gets old: a lock from the future (the clock was set back), or a link. True if
 * it did. A living holder would have refreshed it within `FROZEN_MS`.
 */
export function clearFrozen(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  const ages = stat?.mtimeMs !== undefined && stat.mtimeMs <= Date.now() + CLOCK_SLACK_MS
  if (stat === undefined || (ages && !stat.isSymbolicLink())) {
    firstSeen.delete(path)
    return false
  }
  const state = stateAt(path)
  const seen = firstSeen.get(path)
  if (seen?.state !== state) {
    firstSeen.set(path, { state, at: performance.now() })
    return false
  }
  if (performance.now() - seen.at < FROZEN_MS) return false
  firstSeen.delete(path)
  return exclusively(`${path}-taken-frozen`, () => {
    if (stateAt(path) === state) clear(path)
  })
}

/** A crash in the middle of `clearDead` leaves such a file. */
export function isLeftover(lockName: string, name: string): boolean {
  return name.startsWith(`${lockName}-taken-`) || name.startsWith(`${lockName}-junk-`)
}

/** Longer than the slowest refresh in use (5 s: `proper-lockfile` with its own defaults). */
const FROZEN_MS = 6_000
/** `proper-lockfile` itself dates a new lock up to a second ahead. */
const CLOCK_SLACK_MS = 2_000

/** What waits for its `FROZEN_MS`, by this process's own clock. */
const firstSeen = new Map<string, { readonly state: string; readonly at: number }>()

function stateAt(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return `${stat?.ino}:${stat?.mtimeMs}`
}

/** Runs `work` unless another process runs it at this moment. */
function exclusively(claimPath: string, work: () => void): boolean {
  try {
    writeFileSync(claimPath, '', { flag: 'wx', mode: 0o600 })
  } catch {
    insist(() => clearAbandoned(claimPath))
    return false
  }
  try {
    work()
    return true
  } catch {
    return false
  } finally {
    rmSync(claimPath, { force: true })
  }
}

/** Whoever made the claim ended in the middle of some µs of work: it would stay for ever. */
function clearAbandoned(claimPath: string): void {
  const stat = lstatSync(claimPath, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (Math.abs(Date.now() - stat.mtimeMs) > ABANDONED_MS) rmSync(claimPath, { force: true })
}

const ABANDONED_MS = 5_000
