import { describe, expect, it } from 'vitest'
import { createClock } from '../../src/pool/clock.ts'

const DAY = 24 * 3_600_000

describe('the clock', () => {
  it('fires in time, once', () => {
    const time = machineTime()
    const clock = createClock(time)
    const fired: string[] = []
    clock.setTimeout(() => fired.push('b'), 2_000)
    clock.setTimeout(() => fired.push('a'), 1_000)
    time.pass(1_000)
    expect(fired).toEqual(['a'])
    time.pass(60_000)
    expect(fired).toEqual(['a', 'b'])
  })

  it('does not fire what was cleared, even by another timer of the same instant', () => {
    const time = machineTime()
    const clock = createClock(time)
    const fired: string[] = []
    clock.setTimeout(() => {
      fired.push('a')
      clock.clearTimeout(second)
    }, 1_000)
    const second = clock.setTimeout(() => fired.push('b'), 1_000)
    time.pass(5_000)
    expect(fired).toEqual(['a'])
  })

  it('keeps 40 days, which overflow a plain timer', () => {
    const time = machineTime()
    const clock = createClock(time)
    let fired = 0
    clock.setTimeout(() => fired++, 40 * DAY)
    time.pass(40 * DAY - 1)
    expect(fired).toBe(0)
    time.pass(1)
    expect(fired).toBe(1)
    expect(time.longestSleep()).toBeLessThanOrEqual(30_000)
  })

  it('notices within 30 s that the laptop slept', () => {
    const time = machineTime()
    const clock = createClock(time)
    let fired = 0
    clock.setTimeout(() => fired++, 3_600_000)
    time.sleep(DAY)
    time.pass(30_000)
    expect(fired).toBe(1)
  })

  it('notices at once when somebody flushes it after the sleep', () => {
    const time = machineTime()
    const clock = createClock(time)
    let fired = 0
    clock.setTimeout(() => fired++, 3_600_000)
    time.sleep(DAY)
    clock.flush()
    expect(fired).toBe(1)
  })

  it('is not held up by a wall clock that is set back', () => {
    const time = machineTime()
    const clock = createClock(time)
    let fired = 0
    clock.setTimeout(() => fired++, 60_000)
    time.setWall(-DAY)
    time.pass(60_000)
    expect(fired).toBe(1)
  })

  it('arms nothing while nothing is wanted', () => {
    const time = machineTime()
    const clock = createClock(time)
    clock.setTimeout(() => {}, 1_000)
    expect(time.armed()).toBe(1)
    clock.stop()
    expect(time.armed()).toBe(0)
  })
})

/** A machine whose two clocks and timers are moved by hand. */
function machineTime() {
  let wall = 1_800_000_000_000
  let monotonic = 0
  let longest = 0
  const timers = new Set<{ at: number; fire: () => void }>()

  function pass(ms: number): void {
    const end = monotonic + ms
    for (;;) {
      const next = [...timers].toSorted((left, right) => left.at - right.at)[0]
      if (next === undefined || next.at > end) break
      wall += next.at - monotonic
      monotonic = next.at
      timers.delete(next)
      next.fire()
    }
    wall += end - monotonic
    monotonic = end
  }

  return {
    pass,
    /** The machine sleeps: the wall clock goes on, timers and the monotonic clock stand still. */
    sleep: (ms: number) => void (wall += ms),
    setWall: (by: number) => void (wall += by),
    armed: () => timers.size,
    longestSleep: () => longest,
    now: () => wall,
    monotonic: () => monotonic,
    arm(fire: () => void, ms: number) {
      longest = Math.max(longest, ms)
      const timer = { at: monotonic + ms, fire }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
  }
}
