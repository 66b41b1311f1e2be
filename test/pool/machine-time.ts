import { type PoolClock, createClock } from '../../src/pool/clock.ts'

/** The pool's clock on a machine whose time is moved by hand. */
export function createMachineTime() {
  let now = 1_800_000_000_000
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>()
  const arm = (fire: () => void, ms: number) => {
    const timer = { at: now + ms, fire }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  const clock: PoolClock = createClock({ now: () => now, monotonic: () => now, arm })
  return {
    clock,
    now: () => now,
    monotonic: () => now,
    arm,
    /** How many timers are set. */
    armed: () => timers.size,
    pass(ms: number) {
      const end = now + ms
      for (;;) {
        const [next] = [...timers].toSorted((left, right) => left.at - right.at)
        if (next === undefined || next.at > end) break
        now = next.at
        timers.delete(next)
        next.fire()
      }
      now = end
    },
  }
}
