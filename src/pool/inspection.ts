import type { AnyActorRef, InspectionEvent } from 'xstate'
import type { Lease } from '../../machines/leases.ts'

/** Hears all that machines do. It runs in the midst of them, so it must never throw. */
export type Observer = (event: InspectionEvent) => void

/** Machines that can be looked at. Nothing of it costs anything until somebody looks. */
export interface Inspectable {
  /** The actor that all others of these machines belong to. */
  root(): AnyActorRef
  /** From now on, of a root that starts later too. Returns the way to stop. */
  inspect(observer: Observer): () => void
}

/** What of a pool can be looked at. */
export interface PoolInspection {
  /** The pool's own machine with its accounts and renewals, and the one of the claims. */
  readonly machines: readonly Inspectable[]
  /** What other processes hold, of all providers. */
  leases(): readonly Lease[]
}

/** Who looks at one root, one after the other. */
export interface Observers {
  /** Attaches all that look to a root that has not started yet. */
  attach(root: AnyActorRef): void
  inspect(observer: Observer): () => void
}

export function createObservers(): Observers {
  const observers = new Map<Observer, () => void>()
  let root: AnyActorRef | undefined

  function look(observer: Observer): void {
    const subscription = root?.system.inspect(observer)
    observers.set(observer, () => subscription?.unsubscribe())
  }

  return {
    attach(started) {
      root = started
      for (const observer of observers.keys()) look(observer)
    },
    inspect(observer) {
      look(observer)
      return () => {
        observers.get(observer)?.()
        observers.delete(observer)
      }
    },
  }
}
