import { type Json, MARK, aName, isObject } from './allow.ts'
import { definitionOf } from './definition.ts'
import { shownContext, shownEvent } from './shown-fields.ts'

/** An actor that runs a machine of ours. */
export interface MachineActor {
  readonly sessionId: string
  /** "account:<id of the account>"; the session's id for one that nobody named. */
  readonly id: string
  readonly parentId: string | undefined
  /** Of its machine, as it was written. */
  readonly config: object
  getSnapshot(): unknown
}

/** A message of the Stately inspector's protocol, as text. */
export type Message = string

/** The version of `@statelyai/inspect` whose protocol this is. */
export const WIRE_VERSION = '0.7.2'

/** An actor is there. */
export function actorMessage(actor: MachineActor, rootId: string, at: number): Message {
  const { sessionId, id, parentId, config } = actor
  const machine = 'id' in config && typeof config.id === 'string' ? config.id : sessionId
  return message('@xstate.actor', sessionId, rootId, at, {
    name: aName(id === sessionId ? machine : id) ?? '',
    parentId,
    definition: definitionOf(config),
    snapshot: shownSnapshot(actor.getSnapshot()),
  })
}

/** An event is on its way to an actor. */
export function eventMessage(
  { sessionId }: MachineActor,
  { event, sourceId, rootId, at }: Told & { readonly sourceId: string | undefined },
): Message {
  return message('@xstate.event', sessionId, rootId, at, { sourceId, event: toEvent(event) })
}

/** An actor is in a state. */
export function snapshotMessage(
  { sessionId }: MachineActor,
  { event, snapshot, rootId, at }: Told & { readonly snapshot: unknown },
): Message {
  return message('@xstate.snapshot', sessionId, rootId, at, {
    event: toEvent(event),
    snapshot: shownSnapshot(snapshot),
  })
}

interface Told {
  readonly event: unknown
  readonly rootId: string
  /** Epoch ms. */
  readonly at: number
}

/** Undefined = it runs no machine, such as a step that waits for a file. */
export function asMachineActor(actor: unknown): MachineActor | undefined {
  if (!isObject(actor)) return undefined
  const { sessionId, id, logic, _parent: parent, getSnapshot } = actor
  if (typeof sessionId !== 'string' || typeof id !== 'string') return undefined
  if (!isObject(logic) || typeof getSnapshot !== 'function') return undefined
  const { config } = logic
  if (!isObject(config)) return undefined
  const parentId = isObject(parent) ? parent['sessionId'] : undefined
  return {
    sessionId,
    id,
    parentId: typeof parentId === 'string' ? parentId : undefined,
    config,
    getSnapshot: () => getSnapshot.call(actor),
  }
}

/** The machines that an actor has started, by their names. */
export function childrenOf(snapshot: unknown): readonly (readonly [string, MachineActor])[] {
  if (!isObject(snapshot) || !isObject(snapshot['children'])) return []
  return Object.entries(snapshot['children']).flatMap(([name, child]) => {
    const actor = asMachineActor(child)
    return actor === undefined ? [] : [[name, actor] as const]
  })
}

function message(
  type: string,
  sessionId: string,
  rootId: string,
  at: number,
  rest: Readonly<Record<string, Json | undefined>>,
): Message {
  const common = {
    type,
    sessionId,
    rootId,
    id: null,
    createdAt: String(at),
    _version: WIRE_VERSION,
  }
  return JSON.stringify({ ...common, ...rest })
}

function toEvent(event: unknown): Json {
  const shown = shownEvent(event)
  return isObject(shown) && 'type' in shown ? shown : { ...EMPTY, type: '' }
}

function shownSnapshot(snapshot: unknown): Json {
  if (!isObject(snapshot)) return { status: 'active' }
  const { status, value, context, tags } = snapshot
  return {
    status: typeof status === 'string' ? status : 'active',
    value: shownValue(value),
    context: shownContext(context) ?? EMPTY,
    tags: tags instanceof Set ? [...tags].filter((tag) => typeof tag === 'string') : [],
    children: Object.fromEntries(
      childrenOf(snapshot).map(([name, { sessionId }]) => [
        aName(name) ?? MARK,
        { xstate$$type: 1, id: sessionId },
      ]),
    ),
    historyValue: EMPTY,
  }
}

/** Names of states are in our machines' own words. */
function shownValue(value: unknown): Json {
  if (typeof value === 'string') return value
  if (!isObject(value)) return EMPTY
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shownValue(each)]))
}

const EMPTY = {}
