import { createActor, fromCallback, fromPromise, waitFor } from 'xstate'
import { type ClaimsEvent, type WriteOutcome, claimsMachine } from '../../machines/claims.ts'
import { LEASE_MS, type Lease, foreignLoads } from '../../machines/leases.ts'
import type { ClaimStore } from '../store/claims.ts'
import type { World } from '../world.ts'
import type { PoolClock } from './clock.ts'
import type { HotStates } from './hot.ts'
import { type Inspectable, createObservers } from './inspection.ts'

export interface ClaimsParts {
  readonly store: ClaimStore
  readonly hot: HotStates
  readonly clock: PoolClock
  readonly world: Pick<World, 'now' | 'log'>
  /** Whether claims are switched on and there is something to spread over. */
  readonly wanted: () => boolean
}

/** Spreads processes over the accounts. Whatever fails in here, requests go on without it. */
export interface Claims extends Inspectable {
  /** Follows the configuration and the number of accounts. Free when neither changed. */
  keepUp(): void
  /** This process sends a request with the account. Free while it holds a lease for it. */
  used(id: string): void
  /** Resolves when it is known what others hold; at once while claims are off. */
  known(): Promise<void>
  /** What other processes hold, as far as this one knows. */
  leases(): readonly Lease[]
  /** Gives the leases back and stops. */
  dispose(): Promise<void>
}

/** Runs the claims machine and provides its steps. */
export function createClaims({ store, hot, clock, world, wanted }: ClaimsParts): Claims {
  let held: readonly string[] = []
  let theirs: readonly Lease[] = []
  let isOn = false
  let isOver = false
  let hasComplained = false

  const machine = claimsMachine.provide({
    actors: {
      read: fromPromise<readonly Lease[], void>(async () => store.read()),
      write: fromPromise<WriteOutcome, { accounts: readonly string[] }>(async ({ input }) => {
        const { accounts } = input
        const outcome = await store.write(
          accounts.map((account) => ({ account, inFlight: hot.of(account).inFlight })),
        )
        if (!outcome.ok)
          complain(`other processes do not see what this one uses: ${outcome.detail}`)
        return outcome
      }),
      release: fromPromise<void, void>(async () => store.release()),
      watch: fromCallback<ClaimsEvent>(({ sendBack }) =>
        store.watch(() => {
          if (!isOver) sendBack({ type: 'leases.changed' })
        }),
      ),
    },
  })
  const actor = createActor(machine, {
    clock,
    input: { now: world.now, isWanted: wanted, isUsed },
  })
  const observers = createObservers()
  observers.attach(actor)
  actor.subscribe({
    next(snapshot) {
      isOn = snapshot.matches('on')
      held = snapshot.context.held
      show(snapshot.context.theirs)
    },
    error(error) {
      isOver = true
      isOn = false
      show([])
      complain(`they are switched off: ${wordsOf(error)}`)
      void close()
    },
  })
  actor.start()

  function show(leases: readonly Lease[]): void {
    if (leases === theirs) return
    theirs = leases
    hot.setForeignLoads(foreignLoads(leases))
  }

  function isUsed(id: string): boolean {
    const { inFlight, lastUsedAt } = hot.of(id)
    return inFlight > 0 || world.now() - lastUsedAt < LEASE_MS
  }

  /** Once: it is a preference, and the next heartbeat would say the same. */
  function complain(what: string): void {
    if (!hasComplained) world.log('debug', `Claims of accounts: ${what}`)
    hasComplained = true
  }

  /** Whatever cannot be given back ends by itself. */
  async function close(): Promise<void> {
    try {
      await store.release()
      await store.dispose()
    } catch (error) {
      complain(`they were not given back: ${wordsOf(error)}`)
    }
  }

  return {
    keepUp() {
      const isWanted = wanted()
      if (isOver || isWanted === isOn) return
      actor.send({ type: isWanted ? 'claims.wanted' : 'claims.unwanted' })
    },
    used(id) {
      if (isOn && !held.includes(id)) actor.send({ type: 'account.used', id })
    },
    async known() {
      await waitFor(actor, (snapshot) => !snapshot.matches({ on: { theirs: 'reading' } })).catch(
        () => undefined,
      )
    },
    leases: () => theirs,
    root: () => actor,
    inspect: observers.inspect,
    async dispose() {
      isOver = true
      isOn = false
      actor.stop()
      await close()
    },
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown fault'
}
