import type { Inspectable, Observer } from '../pool/inspection.ts'
import type { World } from '../world.ts'
import {
  type MachineActor,
  type Message,
  actorMessage,
  asMachineActor,
  childrenOf,
  eventMessage,
  snapshotMessage,
} from './messages.ts'

/** Tells what machines do, to whoever listens. */
export interface Observation {
  /** First comes what there is now, then all that happens. Returns the way to stop. */
  listen(hear: (messages: readonly Message[]) => void): () => void
}

type Seen = Parameters<Observer>[0] & { readonly at: number }
type Hear = (messages: readonly Message[]) => void

/** More at once is a fault: it must not fill the memory. */
const MOST_WAITING = 10_000

/**
 * Looks at machines while somebody listens, and only then. In the midst of a machine it only takes
 * note: messages are made when the machines have come to rest. A fault in here ends the looking and
 * nothing else.
 */
export function observe(
  machines: readonly Inspectable[],
  { now, log }: Pick<World, 'now' | 'log'>,
): Observation {
  const listeners = new Set<Hear>()
  let stops: readonly (() => void)[] = []
  let waiting: Seen[] = []
  let hasFailed = false

  const look: Observer = (event) => guarded(() => take(event))

  function take(event: Parameters<Observer>[0]): void {
    if (event.type === '@xstate.microstep' || event.type === '@xstate.action') return
    if (waiting.length >= MOST_WAITING) throw new Error('too much at once')
    if (waiting.length === 0) queueMicrotask(() => guarded(flush))
    waiting.push({ ...event, at: now() })
  }

  function flush(): void {
    const seen = waiting
    waiting = []
    const messages = seen.flatMap((event) => messageOf(event) ?? [])
    if (messages.length > 0) for (const hear of listeners) hear(messages)
  }

  function guarded(step: () => void): void {
    if (hasFailed) return
    try {
      step()
    } catch (error) {
      hasFailed = true
      stopLooking()
      const why = error instanceof Error ? error.message : 'unknown fault'
      log('error', `The inspector failed and is off until the next start: ${why}`)
    }
  }

  function stopLooking(): void {
    for (const stop of stops) stop()
    stops = []
    waiting = []
    listeners.clear()
  }

  function present(): readonly Message[] {
    return machines.flatMap((each) => {
      const root = asMachineActor(each.root())
      return root === undefined ? [] : withChildren(root, root.sessionId, now())
    })
  }

  return {
    listen(hear) {
      guarded(() => {
        flush()
        if (stops.length === 0) stops = machines.map((each) => each.inspect(look))
        hear(present())
        listeners.add(hear)
      })
      return () => {
        listeners.delete(hear)
        if (listeners.size === 0) stopLooking()
      }
    },
  }
}

function messageOf(seen: Seen): Message | undefined {
  const { rootId, at } = seen
  const actor = asMachineActor(seen.actorRef)
  if (actor === undefined) return undefined
  switch (seen.type) {
    case '@xstate.actor':
      return actorMessage(actor, rootId, at)
    case '@xstate.event':
      return eventMessage(actor, {
        event: seen.event,
        sourceId: asMachineActor(seen.sourceRef)?.sessionId,
        rootId,
        at,
      })
    case '@xstate.snapshot':
      return snapshotMessage(actor, { event: seen.event, snapshot: seen.snapshot, rootId, at })
    case '@xstate.transition':
    case '@xstate.microstep':
    case '@xstate.action':
      return undefined
  }
}

function withChildren(actor: MachineActor, rootId: string, at: number): readonly Message[] {
  const snapshot = actor.getSnapshot()
  return [
    actorMessage(actor, rootId, at),
    snapshotMessage(actor, { event: { type: 'xstate.init' }, snapshot, rootId, at }),
    ...childrenOf(snapshot).flatMap(([, child]) => withChildren(child, rootId, at)),
  ]
}
