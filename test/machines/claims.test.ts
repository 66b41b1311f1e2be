import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate'
import { describe, expect, it } from 'vitest'
import { type ClaimsEvent, type WriteOutcome, claimsMachine } from '../../machines/claims.ts'
import { LEASE_MS, type Lease, firstEnd, foreignLoads, living } from '../../machines/leases.ts'
import { expectWellFormed } from './well-formed.ts'

const START = 1_800_000_000_000
const MINUTE = 60_000

const EVENTS = {
  wanted: { type: 'claims.wanted' },
  unwanted: { type: 'claims.unwanted' },
  used: { type: 'account.used', id: 'new' },
  changed: { type: 'leases.changed' },
} as const satisfies Record<string, ClaimsEvent>

type EventName = keyof typeof EVENTS

/** Where each event leads from each state of `ours`, and from `off`. */
const OURS: Readonly<Record<string, Readonly<Record<EventName, string>>>> = {
  'off.clean': { wanted: 'idle', unwanted: 'off.clean', used: 'off.clean', changed: 'off.clean' },
  'off.releasing': {
    wanted: 'idle',
    unwanted: 'off.releasing',
    used: 'off.releasing',
    changed: 'off.releasing',
  },
  idle: { wanted: 'idle', unwanted: 'off.releasing', used: 'gathering', changed: 'idle' },
  gathering: {
    wanted: 'gathering',
    unwanted: 'off.releasing',
    used: 'gathering',
    changed: 'gathering',
  },
  writing: { wanted: 'writing', unwanted: 'off.releasing', used: 'gathering', changed: 'writing' },
  holding: { wanted: 'holding', unwanted: 'off.releasing', used: 'gathering', changed: 'holding' },
}

const THEIRS: Readonly<Record<string, Readonly<Record<EventName, string>>>> = {
  reading: { wanted: 'reading', unwanted: 'off', used: 'reading', changed: 'reading' },
  absent: { wanted: 'absent', unwanted: 'off', used: 'absent', changed: 'reading' },
  present: { wanted: 'present', unwanted: 'off', used: 'present', changed: 'reading' },
}

describe('the claims machine', () => {
  it('is well formed', () => {
    expectWellFormed(claimsMachine)
  })

  for (const [state, row] of Object.entries(OURS)) {
    it.each(Object.entries(row))(`in ${state}, on %s, is then in %s`, async (event, next) => {
      const claims = await startIn(state)
      expect(claims.ours()).toBe(state)
      claims.send(EVENTS[nameOf(event)])
      expect(claims.ours()).toBe(next)
      expect(claims.status()).toBe('active')
    })
  }

  for (const [state, row] of Object.entries(THEIRS)) {
    it.each(Object.entries(row))(`while theirs is ${state}, on %s, is %s`, async (event, next) => {
      const claims = await startIn(state)
      expect(claims.theirs()).toBe(state)
      claims.send(EVENTS[nameOf(event)])
      expect(claims.theirs()).toBe(next)
    })
  }

  it('does nothing while it is off, whatever happens', () => {
    const claims = start()
    claims.use('a')
    claims.send(EVENTS.changed)
    claims.pass(10 * MINUTE)
    expect(claims.done).toEqual([])
  })

  it('writes once for all accounts that come into use within 50 ms', async () => {
    const claims = start()
    claims.send(EVENTS.wanted)
    claims.use('a')
    claims.pass(30)
    claims.use('b')
    claims.use('a')
    claims.pass(19)
    expect(claims.writes()).toEqual([])
    claims.pass(1)
    expect(claims.writes()).toEqual(['a b'])
    await claims.settle()
    expect(claims.ours()).toBe('holding')
  })

  it('writes every 20 s while it holds a lease, and not in between', async () => {
    const claims = await startIn('holding')
    const before = claims.writes().length
    for (let beat = 1; beat <= 5; beat++) {
      claims.pass(19_999)
      expect(claims.writes()).toHaveLength(before + beat - 1)
      claims.pass(1)
      expect(claims.writes()).toHaveLength(before + beat)
      await claims.settle()
    }
  })

  it('lets go of an account that is not used, and falls silent with the last one', async () => {
    const claims = start()
    claims.send(EVENTS.wanted)
    claims.use('a')
    claims.use('b')
    claims.pass(50)
    await claims.settle()
    claims.stopUsing('a')
    claims.pass(20_000)
    await claims.settle()
    claims.stopUsing('b')
    claims.pass(20_000)
    await claims.settle()
    expect(claims.writes()).toEqual(['a b', 'b', ''])
    expect(claims.ours()).toBe('idle')
    claims.pass(10 * MINUTE)
    expect(claims.writes()).toHaveLength(3)
  })

  it('writes again for an account that came into use while it wrote', async () => {
    const claims = await startIn('writing')
    claims.use('b')
    claims.pass(50)
    expect(claims.writes()).toEqual(['a', 'a b'])
  })

  it.each(['refuses', 'throws'] as const)(
    'tries again with the next heartbeat when a write %s',
    async (fault) => {
      const claims = start({ write: FAULTS[fault] })
      claims.send(EVENTS.wanted)
      claims.use('a')
      claims.pass(50)
      await claims.settle()
      expect(claims.ours()).toBe('holding')
      claims.pass(20_000)
      expect(claims.writes()).toEqual(['a', 'a'])
      expect(claims.status()).toBe('active')
    },
  )

  it('knows what others hold, and looks again when something changed', async () => {
    const claims = start()
    claims.others('x', 'y')
    claims.send(EVENTS.wanted)
    await claims.settle()
    expect(claims.known()).toEqual(['x', 'y'])
    claims.others('y')
    claims.send(EVENTS.changed)
    await claims.settle()
    expect(claims.known()).toEqual(['y'])
  })

  it('reads anew when something changes while it reads', async () => {
    const claims = await startIn('reading')
    claims.send(EVENTS.changed)
    expect(claims.done).toEqual(['read', 'read'])
  })

  it('forgets a lease when it ends, although nobody writes any more', async () => {
    const claims = start()
    claims.others('x')
    claims.send(EVENTS.wanted)
    await claims.settle()
    claims.pass(20_000)
    await claims.settle()
    claims.pass(20_000)
    await claims.settle()
    expect(claims.known()).toEqual(['x'])
    claims.pass(20_000)
    // At once: the account is free before anything was read again.
    expect(claims.known()).toEqual([])
    await claims.settle()
  })

  it('looks again every 20 s while others hold leases: a killed process writes nothing', async () => {
    const claims = start()
    claims.others('x')
    claims.send(EVENTS.wanted)
    await claims.settle()
    claims.others()
    claims.pass(20_000)
    await claims.settle()
    expect(claims.known()).toEqual([])
    const reads = claims.done.length
    claims.pass(10 * MINUTE)
    expect(claims.done).toHaveLength(reads)
  })

  it('counts nobody when what others hold cannot be read', async () => {
    const claims = start({ read: () => Promise.reject(new Error('a fault of ours')) })
    claims.send(EVENTS.wanted)
    await claims.settle()
    expect(claims.theirs()).toBe('absent')
    expect(claims.status()).toBe('active')
  })

  it('gives its leases back and forgets the others when it is switched off, and begins anew', async () => {
    const claims = await startIn('holding')
    claims.others('x')
    claims.send(EVENTS.changed)
    await claims.settle()
    claims.send(EVENTS.unwanted)
    expect(claims.known()).toEqual([])
    await claims.settle()
    expect(claims.done.at(-1)).toBe('release')
    expect(claims.ours()).toBe('off.clean')
    claims.send(EVENTS.wanted)
    await claims.settle()
    expect(claims.known()).toEqual(['x'])
    expect(claims.ours()).toBe('idle')
  })

  it('notices with a heartbeat that it was switched off, when nobody sends a request', async () => {
    const claims = await startIn('holding')
    claims.switchOff()
    claims.pass(20_000)
    await claims.settle()
    expect(claims.done.at(-1)).toBe('release')
    expect(claims.ours()).toBe('off.clean')
  })

  it('survives a release and a watcher that throw', async () => {
    const claims = start({
      release: () => Promise.reject(new Error('a fault of ours')),
      watch: () => {
        throw new Error('a fault of ours')
      },
    })
    claims.send(EVENTS.wanted)
    await claims.settle()
    expect(claims.ours()).toBe('idle')
    claims.send(EVENTS.unwanted)
    await claims.settle()
    expect(claims.ours()).toBe('off.clean')
    expect(claims.status()).toBe('active')
  })
})

describe('leases', () => {
  it('load an account with their requests, and with one where they only hold it', () => {
    const leases = [lease('a', { inFlight: 3 }), lease('a', { inFlight: 0 }), lease('b')]
    expect(Object.fromEntries(foreignLoads(leases))).toEqual({ a: 4, b: 1 })
    expect(foreignLoads([]).size).toBe(0)
  })

  it('live up to their end and not longer', () => {
    const leases = [lease('a', { until: START + 1 }), lease('b', { until: START + 2 })]
    expect(living(leases, START)).toBe(leases)
    expect(living(leases, START + 1).map(({ account }) => account)).toEqual(['b'])
    expect(firstEnd(leases)).toBe(START + 1)
    expect(firstEnd([])).toBe(Infinity)
  })
})

const FAULTS = {
  refuses: async (): Promise<WriteOutcome> => ({ ok: false, detail: 'EROFS' }),
  throws: () => Promise.reject<WriteOutcome>(new Error('a fault of ours')),
}

function lease(account: string, given: Partial<Lease> = {}): Lease {
  return { account, inFlight: 1, until: START + LEASE_MS, ...given }
}

interface Steps {
  readonly read?: () => Promise<readonly Lease[]>
  readonly write?: () => Promise<WriteOutcome>
  readonly release?: () => Promise<void>
  readonly watch?: () => void
}

const NEVER = () => new Promise<never>(() => {})

/** A machine in the given state of `ours` or `theirs`. */
async function startIn(state: string) {
  const claims = start({
    ...(state === 'off.releasing' ? { release: NEVER } : {}),
    ...(state === 'writing' ? { write: NEVER } : {}),
    ...(state === 'reading' ? { read: NEVER } : {}),
  })
  if (state === 'off.clean') return claims
  if (state === 'present') claims.others('x')
  claims.send(EVENTS.wanted)
  if (state === 'off.releasing') claims.send(EVENTS.unwanted)
  if (['gathering', 'writing', 'holding'].includes(state)) claims.use('a')
  if (['writing', 'holding'].includes(state)) claims.pass(50)
  if (state !== 'reading') await claims.settle()
  return claims
}

function start(steps: Steps = {}) {
  const clock = new SimulatedClock()
  const done: string[] = []
  const used = new Set<string>(['new'])
  let others: readonly Lease[] = []
  let isWanted = true
  const machine = claimsMachine.provide({
    actors: {
      read: fromPromise<readonly Lease[], void>(async () => {
        done.push('read')
        return steps.read?.() ?? others
      }),
      write: fromPromise<WriteOutcome, { accounts: readonly string[] }>(async ({ input }) => {
        done.push(`write ${input.accounts.join(' ')}`)
        return steps.write?.() ?? { ok: true }
      }),
      release: fromPromise<void, void>(async () => {
        done.push('release')
        return steps.release?.()
      }),
      watch: fromCallback<ClaimsEvent>(() => steps.watch?.()),
    },
  })
  const actor = createActor(machine, {
    clock,
    input: {
      now: () => START + clock.now(),
      isUsed: (id) => used.has(id),
      isWanted: () => isWanted,
    },
  })
  actor.subscribe({ error: () => {} })
  actor.start()
  return {
    done,
    send: (event: ClaimsEvent) => actor.send(event),
    use(id: string) {
      used.add(id)
      actor.send({ type: 'account.used', id })
    },
    stopUsing: (id: string) => void used.delete(id),
    others: (...accounts: readonly string[]) => {
      others = accounts.map((account) => lease(account))
    },
    switchOff: () => {
      isWanted = false
    },
    pass: (ms: number) => clock.increment(ms),
    /** Lets every step that can end do so: they end in microtasks. */
    settle: () => new Promise<void>((resolve) => setImmediate(resolve)),
    writes: () => done.filter((step) => step.startsWith('write')).map((step) => step.slice(6)),
    known: () => actor.getSnapshot().context.theirs.map(({ account }) => account),
    ours() {
      const { value } = actor.getSnapshot()
      return 'off' in value ? `off.${value.off}` : value.on.ours
    },
    theirs() {
      const { value } = actor.getSnapshot()
      return 'off' in value ? 'off' : value.on.theirs
    },
    status: () => actor.getSnapshot().status,
  }
}

function nameOf(event: string): EventName {
  if (event === 'wanted' || event === 'unwanted' || event === 'used' || event === 'changed') {
    return event
  }
  throw new Error(`no event is called ${event}`)
}
