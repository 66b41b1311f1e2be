import { dirname } from 'node:path'
import lockfile from 'proper-lockfile'
import { STALE_MS, claimAt, giveBack, giveBackAll, lockFs, releasing } from './lock-fs.ts'
import { holderOf, isOurs } from './lock-folder.ts'
import { clearDead, clearFrozen } from './lock-repair.ts'
import { type LockWait, pause, startPatience } from './patience.ts'
import { errorCode, stampAt, MISSING_STAMP } from './target.ts'
import { takeTurn } from './turn.ts'

/** A lock while it is held. */
export interface HeldLock {
  /** Whether the lock is still ours; when in doubt it is not. Synchronous, and never throws. */
  held(): boolean
}

export type LockResult<T> =
  | { readonly ok: true; readonly value: T }
  /** Held by others up to the deadline. */
  | { readonly ok: false; readonly reason: 'busy'; readonly detail: string }
  /** The folder takes no lock; `detail` is the error's code. */
  | { readonly ok: false; readonly reason: 'unwritable'; readonly detail: string }

/** How often a holder refreshes its lock. */
const UPDATE_MS = 2_000

/**
 * Keeps other processes and callers out of each other's way while `work` runs. It is not proof:
 * a process that sleeps longer than `STALE_MS` loses its lock, so `work` must ask `lock.held()`
 * in the same synchronous block as its last step. Rejects only as `work` or the signal does.
 * The lock is the folder `<file>.lock`, as `proper-lockfile` makes it; `file` must be resolved.
 */
export async function withLock<T>(
  file: string,
  wait: LockWait,
  work: (lock: HeldLock) => Promise<T>,
): Promise<LockResult<T>> {
  const patience = startPatience(wait)
  try {
    const endTurn = await takeTurn(file, patience.gaveUp)
    if (endTurn === undefined) return busy(file, wait)
    try {
      const acquired = await acquire(file, wait, patience.isOver)
      if (!acquired.ok) return acquired
      const { lock, release } = acquired.value
      patience.end()
      try {
        wait.signal?.throwIfAborted()
        return { ok: true, value: await work(lock) }
      } finally {
        await release()
      }
    } finally {
      endTurn()
    }
  } finally {
    patience.end()
  }
}

/** Gives back every lock this process holds. For a process `exit` handler, where nothing waits. */
export function releaseAllSync(): void {
  giveBackAll()
}

interface Acquired {
  readonly lock: HeldLock
  readonly release: () => Promise<void>
}

async function acquire(
  file: string,
  wait: LockWait,
  isOver: () => boolean,
): Promise<LockResult<Acquired>> {
  const path = lockPath(file)
  for (;;) {
    const code = await lockOnce(file)
    if (typeof code !== 'string') return { ok: true, value: code }
    const missingFolder = code === 'ENOENT' && stampAt(dirname(path)) === MISSING_STAMP
    if (missingFolder || !CONTENTION.has(code)) {
      return { ok: false, reason: 'unwritable', detail: code }
    }
    if (isOver()) return busy(file, wait)
    const cleared = clearDead(path) || clearFrozen(path)
    if (!cleared) await pause(wait.signal)
  }
}

/** One attempt: the lock, or the code of what stands in its way. */
async function lockOnce(file: string): Promise<Acquired | string> {
  const path = lockPath(file)
  const state = { lost: false }
  try {
    const stopHeartbeat = await lockfile.lock(file, {
      realpath: false,
      stale: STALE_MS,
      update: UPDATE_MS,
      lockfilePath: path,
      fs: lockFs,
      // The default throws in the middle of the host.
      onCompromised: () => {
        state.lost = true
      },
    })
    const claim = claimAt(path)
    const held = () => claim !== undefined && !state.lost && isOurs(claim)
    return { lock: { held }, release: () => releaseAt(path, stopHeartbeat) }
  } catch (error) {
    giveBack(path)
    return errorCode(error)
  }
}

async function releaseAt(path: string, stopHeartbeat: () => Promise<void>): Promise<void> {
  giveBack(path)
  // By now the folder may be another process's: `lockFs.rmdir` then lets it stand.
  releasing.add(path)
  await stopHeartbeat().catch(() => undefined)
  releasing.delete(path)
}

/** What says "taken" or "just changing hands"; anything else will not pass by waiting. */
const CONTENTION = new Set([
  'ELOCKED',
  'EEXIST',
  'ENOENT',
  'ENOTDIR',
  'ENOTEMPTY',
  // Windows, while a removed folder is still open somewhere.
  ...(process.platform === 'win32' ? ['EPERM', 'EBUSY', 'EACCES'] : []),
])

function busy(file: string, { deadlineMs, signal }: LockWait): LockResult<never> {
  signal?.throwIfAborted()
  const holder = holderOf(lockPath(file))
  const who = holder === undefined ? 'another process' : `process ${holder}`
  return { ok: false, reason: 'busy', detail: `${who} held the lock for over ${deadlineMs} ms` }
}

function lockPath(file: string): string {
  return `${file}.lock`
}
