import type { AccountView } from '../../machines/view.ts'
import { onAbort } from '../abort.ts'
import type { World } from '../world.ts'
import type { RequestTraits } from './traits.ts'
import type { Selection } from './select/selection.ts'

/**
 * Where requests wait while every account that could serve them has as many in flight as it may.
 * First come, first served; but the next slot of an account goes to a conversation that lives there.
 */
export interface Line {
  enter(): Place
  /** A request with the account has ended. One slot wakes one request. */
  freed(id: string): void
  /** An account or the configuration changed. */
  changed(): void
  /** Nobody will be served any more. */
  close(): void
}

/** A request's place in the line. It keeps its turn, however often the request comes back to it. */
export interface Place {
  /**
   * Resolves when a slot is kept for the request, when it should look again for another reason, or
   * after `ms`; false: the pool was closed. Rejects with the signal's reason.
   */
  wait(request: Queued, ms: number, signal: AbortSignal | undefined): Promise<boolean>
  /** Hands the kept slot to the request, which takes it in the same turn. Returns its account. */
  take(): string | undefined
  /** The request is over: a slot that is still kept for it goes to the next. */
  leave(): void
}

export interface Queued {
  readonly traits: RequestTraits
  readonly tried: ReadonlySet<string>
}

export interface LineParts {
  readonly views: () => readonly AccountView[]
  readonly view: (id: string) => AccountView | undefined
  readonly hasRoom: (id: string) => boolean
  /** Whom the request would get if there were only these accounts. */
  readonly select: (request: Queued, views: readonly AccountView[]) => Selection
  /** The account that a conversation should get back to, where the strategy knows one. */
  readonly homeOf: (conversation: string | undefined) => string | undefined
  /** Counts a request in flight that is not on its way yet. Returns the way to end it. */
  readonly keep: (id: string) => () => void
  readonly world: Pick<World, 'arm'>
}

interface Waiter extends Queued {
  readonly arrival: number
  readonly home: string | undefined
  /** How often a later one was served before it. */
  passed: number
  wake(kept: KeptSlot | undefined): void
}

interface KeptSlot {
  readonly id: string
  readonly release: () => void
}

/** So often others may get home past a request that came before them: nobody starves. */
const MOST_PASSES = 4

export function createLine(parts: LineParts): Line {
  const { views, view, hasRoom, select, keep, world } = parts
  const waiters: Waiter[] = []
  let arrivals = 0
  let isClosed = false

  function freed(id: string): void {
    while (waiters.length > 0 && hasRoom(id)) {
      const account = view(id)
      const next = account === undefined ? undefined : nextFor(account)
      if (next === undefined) return
      next.wake({ id, release: keep(id) })
    }
  }

  /** The first that can use the account, or before it one that lives there. */
  function nextFor(account: AccountView): Waiter | undefined {
    if (account.state === 'rateLimited' || account.state === 'disabled') return undefined
    const isServed = (waiter: Waiter) => select(waiter, [account]).ok
    const first = waiters.find(isServed)
    if (first === undefined || first.home === account.id || first.passed >= MOST_PASSES)
      return first
    const atHome = waiters.find((each) => each.home === account.id && isServed(each))
    if (atHome === undefined) return first
    for (const each of waiters) if (each.arrival < atHome.arrival) each.passed++
    return atHome
  }

  function changed(): void {
    if (waiters.length === 0) return
    for (const { id } of views()) freed(id)
    // Who no longer waits for a slot (all are limited, say) must not wait for one.
    const ofFamily = new Map<string | undefined, boolean>()
    for (const waiter of waiters.slice()) if (!isBusyFor(waiter, ofFamily)) waiter.wake(undefined)
  }

  /** Requests that have tried nobody differ by their model alone. */
  function isBusyFor(waiter: Waiter, known: Map<string | undefined, boolean>): boolean {
    const { model } = waiter.traits
    const answer = waiter.tried.size === 0 ? known.get(model) : undefined
    if (answer !== undefined) return answer
    const selection = select(waiter, views())
    const isBusy = !selection.ok && selection.blocked.why === 'busy'
    if (waiter.tried.size === 0) known.set(model, isBusy)
    return isBusy
  }

  function enter(): Place {
    const arrival = arrivals++
    let kept: KeptSlot | undefined
    return {
      wait: (request, ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason)
          if (isClosed) return resolve(false)
          const home = parts.homeOf(request.traits.conversation)
          const waiter: Waiter = { ...request, arrival, home, passed: 0, wake }
          insert(waiter)
          // It need not keep the process alive: the requests that hold the slots do.
          const disarm = world.arm(() => wake(undefined), ms)
          const unfollow = onAbort(signal, () => {
            end()
            reject(signal?.reason)
          })

          function wake(slot: KeptSlot | undefined): void {
            end()
            kept = slot
            resolve(!isClosed)
          }
          function end(): void {
            waiters.splice(waiters.indexOf(waiter), 1)
            disarm()
            unfollow()
          }
        }),
      take() {
        const slot = kept
        kept = undefined
        slot?.release()
        return slot?.id
      },
      leave() {
        const slot = kept
        kept = undefined
        slot?.release()
        if (slot !== undefined) freed(slot.id)
      },
    }
  }

  function insert(waiter: Waiter): void {
    const after = waiters.findLastIndex(({ arrival }) => arrival < waiter.arrival)
    waiters.splice(after + 1, 0, waiter)
  }

  return {
    enter,
    freed,
    changed,
    close() {
      isClosed = true
      for (const waiter of waiters.slice()) waiter.wake(undefined)
    },
  }
}
