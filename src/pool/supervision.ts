import { createActor } from 'xstate'
import type { PoolEvent, PoolInput, poolMachine } from '../../machines/pool.ts'
import type { RefreshOutcome } from '../../machines/refresh.ts'
import type { AccountView } from '../../machines/view.ts'
import type { PoolClock } from './clock.ts'
import { type Inspectable, createObservers } from './inspection.ts'

export interface SupervisionParts {
  readonly machine: typeof poolMachine
  readonly clock: PoolClock
  readonly input: PoolInput
  readonly heard: {
    viewChanged(before: AccountView | undefined, after: AccountView): void
    tokenSettled(id: string, outcome: RefreshOutcome): void
    renewalsStopped(): void
    /** An account's machine threw and was started again by the pool. */
    accountCrashed(id: string, times: number): void
    /** The pool's machine itself threw. */
    poolCrashed(error: unknown, times: number): void
  }
}

/** The running pool machine, which survives its own faults. */
export interface Supervision extends Inspectable {
  /** False: it failed too often and hears nothing any more. */
  send(event: PoolEvent): boolean
  views(): Readonly<Record<string, AccountView>>
  /** The same in the order of the accounts file. */
  viewList(): readonly AccountView[]
  /** Why the store cannot be read; empty while it can. */
  problem(): string
  stop(): void
}

/** A machine that fails at once, again and again, is left as it is: requests use its last views. */
const MOST_RESTARTS = 5

/** Runs the pool machine. A fault in it never reaches the host: it starts again from its views. */
export function supervise({ machine, clock, input, heard }: SupervisionParts): Supervision {
  let views: Readonly<Record<string, AccountView>> = {}
  let list: readonly AccountView[] = []
  let crashes = 0
  /** Until it knows the accounts again, the last views hold. */
  let isReviving = false
  const observers = createObservers()
  let actor = start()

  function start() {
    const started = createActor(machine, { clock, input })
    observers.attach(started)
    started.on('view.changed', ({ before, after }) => {
      show({ ...views, [after.id]: after })
      heard.viewChanged(before, after)
    })
    started.on('token.settled', ({ id, outcome }) => heard.tokenSettled(id, outcome))
    started.on('renewals.stopped', heard.renewalsStopped)
    started.on('account.crashed', ({ id, times }) => heard.accountCrashed(id, times))
    started.subscribe({
      next: ({ context }) => {
        if (context.views !== views && !isReviving) show(context.views)
      },
      error: revive,
    })
    return started.start()
  }

  function show(shown: Readonly<Record<string, AccountView>>): void {
    views = shown
    list = Object.values(shown)
  }

  function revive(error: unknown): void {
    crashes += 1
    heard.poolCrashed(error, crashes)
    if (crashes > MOST_RESTARTS) return
    const accounts = list.map(({ facts }) => facts)
    isReviving = true
    actor = start()
    actor.send({ type: 'store.changed', accounts })
    isReviving = false
  }

  return {
    send(event) {
      if (actor.getSnapshot().status !== 'active') return false
      actor.send(event)
      return true
    },
    views: () => views,
    viewList: () => list,
    problem: () => actor.getSnapshot().context.problem,
    root: () => actor,
    inspect: observers.inspect,
    stop: () => actor.stop(),
  }
}
