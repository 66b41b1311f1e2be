import { SimulatedClock, createActor, fromPromise } from 'xstate'
import { afterEach, describe, expect, it } from 'vitest'
import { accountMachine } from '../../machines/account.ts'
import { type AccountFacts, newFacts } from '../../machines/facts.ts'
import { type PoolEmitted, poolMachine } from '../../machines/pool.ts'
import {
  type ClaimResult,
  type RefreshOutcome,
  type RereadResult,
  type SpendStep,
  refreshMachine,
} from '../../machines/refresh.ts'
import type { RenewalPlan } from '../../machines/renewals.ts'
import { expectWellFormed, faultsOf } from './well-formed.ts'

const START = 1_800_000_000_000
const HOUR = 3_600_000
const uncaught: unknown[] = []
const note = (error: unknown) => uncaught.push(error)

afterEach(() => {
  process.off('uncaughtException', note)
  uncaught.length = 0
})

describe('the pool', () => {
  it('is well formed, and so is a renewal', () => {
    expectWellFormed(poolMachine)
    expectWellFormed(refreshMachine)
  })

  it('is not called well formed with a delay, guard, action or actor that does not exist', () => {
    const broken = accountMachine.provide({})
    Object.assign(broken.implementations, { delays: {}, guards: {}, actions: {}, actors: {} })
    const faults = faultsOf(broken).join('\n')
    expect(faults).toContain('unknown delay "untilLimitReset"')
    expect(faults).toContain('unknown guard "isDisabled"')
    expect(faults).toContain('unknown action "announce"')
  })

  it('shows every account, and follows additions, changes and removals in the store', () => {
    const pool = startPool()
    pool.send({ type: 'store.changed', accounts: [facts('a'), facts('b')] })
    expect(pool.states()).toEqual({ a: 'active', b: 'active' })
    pool.send({
      type: 'store.changed',
      accounts: [facts('b', { disabledReason: 'user' }), facts('c')],
    })
    expect(pool.states()).toEqual({ b: 'disabled', c: 'active' })
  })

  it('shows the accounts in the order of the store, which a person can change', () => {
    const pool = startPool()
    pool.send({ type: 'store.changed', accounts: [facts('a'), facts('b'), facts('c')] })
    pool.send({ type: 'store.changed', accounts: [facts('c'), facts('a'), facts('b')] })
    expect(Object.keys(pool.states())).toEqual(['c', 'a', 'b'])
  })

  it('goes on with the last facts while the store cannot be read', () => {
    const pool = startPool()
    pool.send({ type: 'store.changed', accounts: [facts('a')] })
    pool.send({ type: 'store.failed', problem: 'no permission' })
    expect(pool.value()).toMatchObject({ store: 'unreadable' })
    expect(pool.states()).toEqual({ a: 'active' })
    pool.send({ type: 'store.changed', accounts: [facts('a')] })
    expect(pool.value()).toMatchObject({ store: 'readable' })
  })

  it('ignores what is said to an account that does not exist', () => {
    const pool = startPool()
    pool.send({ type: 'account.told', id: 'ghost', event: { type: 'user.disabled' } })
    pool.send({ type: 'token.wanted', id: 'ghost' })
    pool.send({ type: 'refresh.settled', id: 'ghost', outcome: RENEWED })
    expect(pool.status()).toBe('active')
  })

  it('renews at most three tokens at once, each account once, and the rest afterwards', async () => {
    const gates = new Map<string, (outcome: RefreshOutcome) => void>()
    const pool = startPool((id) => new Promise((resolve) => gates.set(id, resolve)))
    const ids = ['a', 'b', 'c', 'd', 'e']
    pool.send({ type: 'store.changed', accounts: ids.map((id) => facts(id)) })
    for (const id of [...ids, ...ids]) pool.send({ type: 'token.wanted', id })
    await expect.poll(() => [...gates.keys()]).toEqual(['a', 'b', 'c'])
    gates.get('b')?.(RENEWED)
    await expect.poll(() => [...gates.keys()]).toEqual(['a', 'b', 'c', 'd'])
    for (const id of ['a', 'c', 'd']) gates.get(id)?.(RENEWED)
    await expect.poll(() => gates.has('e')).toBe(true)
    gates.get('e')?.(RENEWED)
    await expect.poll(() => pool.settled().length).toBe(5)
  })

  it('renews a token in the background before it ends, spread by a tenth of the lead time', async () => {
    const renewed: string[] = []
    const pool = startPool(async (id) => {
      renewed.push(id)
      return { kind: 'renewed', expiresAt: START + 9 * HOUR, version: 2 }
    })
    pool.send({ type: 'store.changed', accounts: [facts('a', { tokenExpiresAt: START + HOUR })] })
    pool.pass(HOUR - 33 * 60_000 - 1)
    expect(renewed).toEqual([])
    pool.pass(6 * 60_000 + 2)
    await expect.poll(() => renewed).toEqual(['a'])
  })

  it('plans the renewal anew when an account comes back from being disabled', async () => {
    const renewed: string[] = []
    const pool = startPool(async (id) => {
      renewed.push(id)
      return { kind: 'renewed', expiresAt: START + 9 * HOUR, version: 2 }
    })
    pool.send({ type: 'store.changed', accounts: [facts('a', { tokenExpiresAt: START + HOUR })] })
    pool.send({ type: 'account.told', id: 'a', event: { type: 'user.disabled' } })
    pool.pass(HOUR)
    expect(renewed).toEqual([])
    pool.send({ type: 'account.told', id: 'a', event: { type: 'user.enabled' } })
    pool.pass(1)
    await expect.poll(() => renewed).toEqual(['a'])
  })

  it('disables the account whose refresh token is dead, even the last one', async () => {
    const pool = startPool(async () => ({ kind: 'failed', failure: 'dead', detail: 'gone' }))
    pool.send({ type: 'store.changed', accounts: [facts('a')] })
    pool.send({ type: 'token.wanted', id: 'a' })
    await expect.poll(() => pool.states()).toEqual({ a: 'disabled' })
  })

  it('lets the renewal for a request pass before those in the background', async () => {
    const gates = new Map<string, (outcome: RefreshOutcome) => void>()
    const pool = startPool((id) => new Promise((resolve) => gates.set(id, resolve)))
    const expired = ['a', 'b', 'c', 'd', 'e'].map((id) => facts(id, { tokenExpiresAt: START - 1 }))
    pool.send({ type: 'store.changed', accounts: expired })
    pool.pass(1)
    await expect.poll(() => [...gates.keys()]).toEqual(['a', 'b', 'c'])
    pool.send({ type: 'token.wanted', id: 'e' })
    gates.get('a')?.(RENEWED)
    await expect.poll(() => [...gates.keys()]).toEqual(['a', 'b', 'c', 'e'])
  })

  it('renews a token that lives shorter than the lead time at half its life, not in a loop', async () => {
    const renewed: number[] = []
    const pool = startPool(async () => {
      renewed.push(pool.now())
      return { kind: 'renewed', expiresAt: pool.now() + 20 * 60_000, version: renewed.length + 1 }
    })
    pool.send({
      type: 'store.changed',
      accounts: [facts('a', { tokenExpiresAt: START + 20 * 60_000 })],
    })
    for (let round = 1; round <= 3; round++) {
      pool.pass(10 * 60_000)
      await expect.poll(() => renewed).toHaveLength(round)
      await expect.poll(() => pool.settled()).toHaveLength(round)
    }
  })

  it('renews a token that lives for a second only every 15 s in the background', async () => {
    const renewed: number[] = []
    const pool = startPool(async () => {
      renewed.push(pool.now())
      return { kind: 'renewed', expiresAt: pool.now() + 1_000, version: renewed.length + 1 }
    })
    pool.send({ type: 'store.changed', accounts: [facts('a', { tokenExpiresAt: START + 1_000 })] })
    for (let round = 1; round <= 3; round++) {
      pool.pass(14_999)
      await expect.poll(() => pool.settled()).toHaveLength(round - 1)
      expect(renewed).toHaveLength(round - 1)
      pool.pass(1)
      await expect.poll(() => pool.settled()).toHaveLength(round)
    }
  })

  it('goes on with all that wait when accounts leave in the middle of their renewal', async () => {
    const started: string[] = []
    const pool = startPool((id) => {
      started.push(id)
      return new Promise(() => {})
    })
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    pool.send({ type: 'store.changed', accounts: all.map((id) => facts(id)) })
    for (const id of all) pool.send({ type: 'token.wanted', id })
    await expect.poll(() => started).toEqual(['a', 'b', 'c'])
    pool.send({ type: 'store.changed', accounts: ['c', 'd', 'e', 'f', 'g'].map((id) => facts(id)) })
    await expect.poll(() => started).toEqual(['a', 'b', 'c', 'd', 'e'])
    pool.send({ type: 'store.changed', accounts: ['f', 'g'].map((id) => facts(id)) })
    await expect.poll(() => started).toEqual(all)
  })

  it('renews nothing for one that waits when another process has renewed its token meanwhile', async () => {
    const { pool, gates, all } = await startFull()
    const newer = { tokenVersion: 2, tokenExpiresAt: START + HOUR }
    pool.send({
      type: 'store.changed',
      accounts: [...all.slice(0, 3), facts('d', newer), ...all.slice(4)],
    })
    gates.get('a')?.(RENEWED)
    await expect.poll(() => [...gates.keys()]).toEqual(['a', 'b', 'c', 'e'])
    expect(pool.settled()).toEqual([
      { type: 'token.settled', id: 'a', outcome: RENEWED },
      { type: 'token.settled', id: 'd', outcome: RENEWED },
    ])
  })

  it.each([
    ['has ended, too', { tokenVersion: 2, tokenExpiresAt: START - 1 }, 0],
    ['was refused, too', { tokenVersion: 2 }, 1],
  ])('renews the token of one that waits when the newer one %s', async (_, newer, more) => {
    const { pool, gates, all } = await startFull()
    pool.send({
      type: 'store.changed',
      accounts: [...all.slice(0, 3), facts('d', newer), ...all.slice(4)],
    })
    for (let asked = 0; asked < more; asked++) pool.send({ type: 'token.wanted', id: 'd' })
    gates.get('a')?.(RENEWED)
    await expect.poll(() => [...gates.keys()]).toEqual(['a', 'b', 'c', 'd'])
  })

  it('plans every renewal anew when the configuration changes', async () => {
    const renewed: string[] = []
    const plan = { enabled: false, leadMs: 30 * 60_000, intervalMs: 300_000 }
    const exchange = async (id: string) => {
      renewed.push(id)
      return RENEWED
    }
    const pool = startPool(exchange, { plan: () => plan })
    pool.send({ type: 'store.changed', accounts: [facts('a', { tokenExpiresAt: START + HOUR })] })
    pool.pass(HOUR)
    expect(renewed).toEqual([])
    plan.enabled = true
    pool.send({ type: 'settings.changed' })
    pool.pass(1)
    await expect.poll(() => renewed).toEqual(['a'])
  })

  it('stops renewing in the background when two logins are refused for good within a minute', async () => {
    const pool = startPool(async (id) => (id === 'd' || id === 'e' ? TOMORROW : REVOKED))
    const soon = ['a', 'b', 'c', 'd'].map((id, index) =>
      facts(id, { tokenExpiresAt: START + HOUR + index * 20_000 }),
    )
    pool.send({
      type: 'store.changed',
      accounts: [...soon, facts('e', { tokenExpiresAt: START + 5 * HOUR })],
    })
    pool.pass(HALF_HOUR)
    await expect.poll(() => pool.states()).toMatchObject({ a: 'disabled' })
    expect(pool.stops()).toBe(0)
    pool.pass(20_000)
    await expect.poll(() => pool.states()).toMatchObject({ b: 'disabled' })
    expect(pool.stops()).toBe(1)
    pool.pass(HOUR)
    expect(pool.states()).toMatchObject({ c: 'active', d: 'active' })
    expect(pool.settled()).toHaveLength(2)
    // What a request needs is renewed all the same, and shows that logins work again.
    pool.send({ type: 'token.wanted', id: 'e' })
    await expect.poll(() => pool.settled()).toHaveLength(3)
    pool.pass(1)
    await expect.poll(() => pool.settled()).toHaveLength(5)
    expect(pool.states()).toMatchObject({ c: 'disabled', d: 'active' })
  })

  it('goes on renewing when logins are refused for good now and then', async () => {
    const pool = startPool(async () => REVOKED)
    const hourly = ['a', 'b', 'c'].map((id, index) =>
      facts(id, { tokenExpiresAt: START + HOUR + index * 61_000 }),
    )
    pool.send({ type: 'store.changed', accounts: hourly })
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      pool.pass(index === 0 ? HALF_HOUR : 61_000)
      await expect.poll(() => pool.states()[id]).toBe('disabled')
    }
    expect(pool.stops()).toBe(0)
  })

  it('tries those that only failed often again when all others are disabled', async () => {
    const pool = startPool()
    pool.send({
      type: 'store.changed',
      accounts: [
        facts('a', { disabledReason: 'auth' }),
        facts('b', { disabledReason: 'user' }),
        facts('c'),
      ],
    })
    expect(pool.states()).toEqual({ a: 'disabled', b: 'disabled', c: 'active' })
    pool.send({
      type: 'account.told',
      id: 'c',
      event: { type: 'request.refused', reason: 'revoked', detail: '', mayDisable: false },
    })
    expect(pool.states()).toEqual({ a: 'active', b: 'disabled', c: 'disabled' })
  })

  it('reports an outcome even when a step of the renewal throws', async () => {
    const pool = startPool(async () => {
      throw new Error('disk on fire')
    })
    pool.send({ type: 'store.changed', accounts: [facts('a', { tokenExpiresAt: START + HOUR })] })
    pool.send({ type: 'token.wanted', id: 'a' })
    await expect.poll(() => pool.settled()).toHaveLength(1)
    expect(pool.states()).toEqual({ a: 'active' })
  })
})

describe('supervision', () => {
  it('restarts an account that throws, and disables it with a reason after the third time', () => {
    process.on('uncaughtException', note)
    const pool = startPool(undefined, { accountsThrow: true })
    pool.send({ type: 'store.changed', accounts: [facts('a'), facts('b')] })
    for (let crash = 1; crash <= 3; crash++) {
      pool.send({ type: 'account.told', id: 'a', event: THROWS })
    }
    expect(pool.states()).toEqual({ a: 'disabled', b: 'active' })
    expect(pool.view('a')?.facts.disabledReason).toBe('crashed')
    expect(pool.status()).toBe('active')
    expect(uncaught).toEqual([])
  })
})

const RENEWED: RefreshOutcome = { kind: 'renewed', expiresAt: START + HOUR, version: 2 }
const TOMORROW: RefreshOutcome = { kind: 'renewed', expiresAt: START + 24 * HOUR, version: 2 }
const REVOKED: RefreshOutcome = { kind: 'failed', failure: 'dead', detail: 'gone' }
const HALF_HOUR = 30 * 60_000
const THROWS = { type: 'request.burst', sentAt: START, retryAfterMs: undefined } as const

function facts(id: string, known: Partial<AccountFacts> = {}): AccountFacts {
  return newFacts(id, known)
}

/** Three renewals run, and those of `d` and `e` wait for their turn. */
async function startFull() {
  const gates = new Map<string, (outcome: RefreshOutcome) => void>()
  const pool = startPool((id) => new Promise((resolve) => gates.set(id, resolve)))
  const all = ['a', 'b', 'c', 'd', 'e'].map((id) => facts(id, { tokenVersion: 1 }))
  pool.send({ type: 'store.changed', accounts: all })
  for (const { id } of all) pool.send({ type: 'token.wanted', id })
  await expect.poll(() => [...gates.keys()]).toEqual(['a', 'b', 'c'])
  return { pool, gates, all }
}

interface PoolOptions {
  readonly accountsThrow?: boolean
  readonly plan?: () => RenewalPlan
}

const ALWAYS: RenewalPlan = { enabled: true, leadMs: HALF_HOUR, intervalMs: 300_000 }

function startPool(
  exchange: (id: string) => Promise<RefreshOutcome> = () => Promise.resolve(RENEWED),
  { accountsThrow = false, plan = () => ALWAYS }: PoolOptions = {},
) {
  const clock = new SimulatedClock()
  const settled: PoolEmitted[] = []
  const account = accountsThrow
    ? accountMachine.provide({
        actions: {
          strike: () => {
            throw new Error('a fault of ours')
          },
        },
      })
    : accountMachine
  const refresh = refreshMachine.provide({
    actors: {
      reread: fromPromise<RereadResult, { id: string }>(async () => ({ kind: 'current' })),
      claim: fromPromise<ClaimResult, { id: string }>(async () => ({
        kind: 'ours',
        inDoubt: false,
      })),
      exchange: fromPromise<RefreshOutcome, SpendStep>(({ input }) => exchange(input.id)),
    },
  })
  const actor = createActor(poolMachine.provide({ actors: { account, refresh } }), {
    clock,
    input: {
      now: () => START + clock.now(),
      random: () => 0.5,
      policy: () => ({ maxAuthFailures: 3, authBackoffMs: 30_000, strikeBackoffMs: 30_000 }),
      renewal: plan,
    },
  })
  actor.on('token.settled', (event) => settled.push(event))
  let stops = 0
  actor.on('renewals.stopped', () => (stops += 1))
  actor.subscribe({ error: () => {} })
  actor.start()
  const views = () => actor.getSnapshot().context.views
  return {
    send: actor.send.bind(actor),
    now: () => START + clock.now(),
    pass: (ms: number) => clock.increment(ms),
    view: (id: string) => views()[id],
    states: () => Object.fromEntries(Object.values(views()).map(({ id, state }) => [id, state])),
    settled: () => settled,
    stops: () => stops,
    value: () => actor.getSnapshot().value,
    status: () => actor.getSnapshot().status,
  }
}
