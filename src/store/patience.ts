import { setTimeout as delay } from 'node:timers/promises'

/** How long to wait for a lock. */
export interface LockWait {
  /** The longest wait for the lock, ms. */
  readonly deadlineMs: number
  /** Ends the wait: `withLock` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** A wait with an end: `gaveUp` settles at the deadline, at an abort, or at `end()`. */
export interface Patience {
  readonly gaveUp: Promise<void>
  /** Whether the deadline has passed. */
  readonly isOver: () => boolean
  /** Releases the timer and the listener. Safe to call twice. */
  readonly end: () => void
}

/** Waiting is polling: short, and of random length so that waiters do not march in step. */
const POLL_MIN_MS = 5
const POLL_MAX_MS = 20

export function startPatience({ deadlineMs, signal }: LockWait): Patience {
  const until = performance.now() + deadlineMs
  const ended = new AbortController()
  const timer = setTimeout(() => ended.abort(), deadlineMs)
  const end = () => {
    clearTimeout(timer)
    ended.abort()
    signal?.removeEventListener('abort', end)
  }
  signal?.addEventListener('abort', end)
  const gaveUp = new Promise<void>((resolve) => {
    ended.signal.addEventListener('abort', () => resolve())
  })
  if (signal?.aborted === true) end()
  return { gaveUp, isOver: () => performance.now() >= until, end }
}

/** One step of the wait. Rejects with the signal's reason. */
export async function pause(signal: AbortSignal | undefined): Promise<void> {
  const ms = POLL_MIN_MS + Math.random() * (POLL_MAX_MS - POLL_MIN_MS)
  await delay(ms, undefined, { signal }).catch(() => undefined)
  signal?.throwIfAborted()
}
