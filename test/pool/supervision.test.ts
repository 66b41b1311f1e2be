import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newFacts } from '../../machines/facts.ts'
import { poolMachine } from '../../machines/pool.ts'
import { createClock } from '../../src/pool/clock.ts'
import { supervise } from '../../src/pool/supervision.ts'
import { realWorld } from '../../src/world.ts'

const uncaught: unknown[] = []
const note = (error: unknown) => uncaught.push(error)

describe('the pool machine under supervision', () => {
  beforeEach(() => void process.on('uncaughtException', note))
  afterEach(() => {
    process.off('uncaughtException', note)
    uncaught.length = 0
  })

  it('starts again from its last views when it throws, and goes on working', () => {
    const pool = start({ throwsOn: 'a' })
    pool.send({ type: 'account.told', id: 'b', event: { type: 'user.disabled' } })
    pool.send({ type: 'account.told', id: 'a', event: { type: 'user.disabled' } })
    expect(pool.crashes).toEqual([1])
    expect(pool.states()).toEqual({ a: 'active', b: 'disabled' })
    pool.send({ type: 'account.told', id: 'b', event: { type: 'user.enabled' } })
    expect(pool.states()).toEqual({ a: 'active', b: 'active' })
    expect(uncaught).toEqual([])
  })

  it('keeps its last views when it fails for good', () => {
    const pool = start({ throwsOn: 'a' })
    for (let crash = 0; crash < 9; crash++) {
      pool.send({ type: 'account.told', id: 'a', event: { type: 'user.disabled' } })
    }
    expect(pool.crashes).toEqual([1, 2, 3, 4, 5, 6])
    expect(uncaught).toEqual([])
    expect(pool.states()).toEqual({ a: 'active', b: 'active' })
    expect(pool.send({ type: 'token.wanted', id: 'b' })).toBe(false)
  })

  it('keeps every account when it throws again while it starts again', () => {
    const pool = start({ throwsOn: 'a' })
    pool.failAtStart(2)
    pool.send({ type: 'account.told', id: 'a', event: { type: 'user.disabled' } })
    expect(pool.crashes).toEqual([1, 2, 3])
    expect(pool.states()).toEqual({ a: 'active', b: 'active' })
  })
})

function start({ throwsOn }: { throwsOn: string }) {
  const world = realWorld(() => {})
  const crashes: number[] = []
  let faultsAtStart = 0
  const pool = supervise({
    machine: poolMachine.provide({
      guards: {
        isKnown: (_, { id }) => {
          if (id === throwsOn) throw new Error('a fault of ours')
          return true
        },
      },
      actions: {
        halfOpenBreaker: () => {
          if (faultsAtStart-- > 0) throw new Error('a fault of ours')
        },
      },
    }),
    clock: createClock(world),
    input: {
      now: world.now,
      random: world.random,
      policy: () => ({ maxAuthFailures: 3, authBackoffMs: 30_000, strikeBackoffMs: 30_000 }),
      renewal: () => ({ enabled: false, leadMs: 0, intervalMs: 0 }),
    },
    heard: {
      viewChanged: () => {},
      tokenSettled: () => {},
      renewalsStopped: () => {},
      accountCrashed: () => {},
      poolCrashed: (_error, times) => crashes.push(times),
    },
  })
  pool.send({ type: 'store.changed', accounts: [newFacts('a'), newFacts('b')] })
  return {
    ...pool,
    crashes,
    failAtStart: (times: number) => void (faultsAtStart = times),
    states: () => Object.fromEntries(pool.viewList().map(({ id, state }) => [id, state])),
  }
}
