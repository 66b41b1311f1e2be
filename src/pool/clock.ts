/** What the clock needs from the world. `arm` sets one real timer and returns the way to clear it. */
export interface TimeSource {
  readonly now: () => number
  readonly monotonic: () => number
  readonly arm: (fire: () => void, ms: number) => () => void
}

/** XState's clock interface, and `flush` for those who must not act on a late timer. */
export interface PoolClock {
  setTimeout(fire: () => void, ms: number): number
  clearTimeout(id: number): void
  /** Fires everything that is due. Costs two clock reads when nothing is. */
  flush(): void
  /** Drops every timer. */
  stop(): void
}

interface Entry {
  readonly fire: () => void
  readonly wall: number
  readonly monotonic: number
}

/** One real timer never sleeps longer: a laptop that wakes up is noticed within this time. */
const LONGEST_SLEEP_MS = 30_000

/**
 * All timers of the pool as one list with a single real timer. An entry is due when either clock
 * says so: the monotonic one survives a clock that is set back, the wall clock survives sleep.
 */
export function createClock(time: TimeSource): PoolClock {
  const entries = new Map<number, Entry>()
  let nextId = 1
  let disarm: (() => void) | undefined
  let earliestWall = Infinity
  let earliestMonotonic = Infinity

  const isDue = (wall: number, monotonic: number) =>
    wall <= time.now() || monotonic <= time.monotonic()

  function rearm(): void {
    disarm?.()
    disarm = undefined
    if (entries.size === 0) return
    const remaining = Math.min(earliestWall - time.now(), earliestMonotonic - time.monotonic())
    disarm = time.arm(flush, Math.min(LONGEST_SLEEP_MS, Math.max(0, remaining)))
  }

  function findEarliest(): void {
    earliestWall = Infinity
    earliestMonotonic = Infinity
    for (const entry of entries.values()) {
      earliestWall = Math.min(earliestWall, entry.wall)
      earliestMonotonic = Math.min(earliestMonotonic, entry.monotonic)
    }
  }

  function flush(): void {
    if (isDue(earliestWall, earliestMonotonic)) {
      const due = [...entries].filter(([, entry]) => isDue(entry.wall, entry.monotonic))
      for (const [id, entry] of due) {
        // One that fired may have cleared a later one.
        if (entries.delete(id)) entry.fire()
      }
      findEarliest()
    }
    rearm()
  }

  return {
    setTimeout(fire, ms) {
      const id = nextId++
      const entry = { fire, wall: time.now() + ms, monotonic: time.monotonic() + ms }
      entries.set(id, entry)
      if (entry.wall < earliestWall || entry.monotonic < earliestMonotonic) {
        earliestWall = Math.min(earliestWall, entry.wall)
        earliestMonotonic = Math.min(earliestMonotonic, entry.monotonic)
        rearm()
      }
      return id
    },
    clearTimeout(id) {
      entries.delete(id)
    },
    flush() {
      if (isDue(earliestWall, earliestMonotonic)) flush()
    },
    stop() {
      entries.clear()
      findEarliest()
      rearm()
    },
  }
}
