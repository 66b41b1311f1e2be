import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'

/** A machine as a plain graph, read from its definition. */
export interface Chart {
  readonly name: string
  readonly root: State
  /** One for each pair of states: several transitions share it. */
  readonly arrows: readonly Arrow[]
}

export interface State {
  /** The machine's id and the path of the state: `account.availability.rateLimited`. */
  readonly id: string
  readonly name: string
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  readonly tags: readonly string[]
  readonly entry: readonly string[]
  readonly exit: readonly string[]
  /** The actors that run while it is active. */
  readonly invokes: readonly string[]
  /** The id of the child that is entered first; undefined where no child or every one is. */
  readonly initial: string | undefined
  /** What it reacts to without leaving a state. */
  readonly reactions: readonly Trigger[]
  readonly states: readonly State[]
}

export interface Arrow {
  readonly from: string
  readonly to: string
  /** The target lies in the source: it leads there from whatever state is active inside. */
  readonly isFromAny: boolean
  /** In the order in which the machine tries them. */
  readonly triggers: readonly Trigger[]
}

/** What sets a transition off. */
export interface Trigger {
  /** As XState names it; `always` for a transition without an event. */
  readonly event: string
  /** As people read it: `request.limited`, `after untilCool`, `done`. */
  readonly label: string
  /** `isFailure dead`; `else` where earlier guards of the same event have refused. */
  readonly guard: string | undefined
  /** From 1, where the order of the guards matters: more than one of them and an `else`. */
  readonly rank: number | undefined
  readonly actions: readonly string[]
}

export function readChart(machine: AnyStateMachine): Chart {
  return { name: machine.id, root: stateOf(machine.root), arrows: arrowsOf(machine.root) }
}

/** Every state, each before those inside it. */
export function statesOf(state: State): readonly State[] {
  return [state, ...state.states.flatMap(statesOf)]
}

/** It does nothing on purpose: what an outer state would do with the event is kept away. */
export function isIgnored(trigger: Trigger): boolean {
  return trigger.guard === undefined && trigger.actions.length === 0
}

function stateOf(node: AnyStateNode): State {
  return {
    id: idOf(node),
    name: node.key,
    type: node.type,
    tags: node.tags,
    // Not `node.entry`: that also starts the timers of the delays.
    entry: [node.config.entry ?? []].flat().map(nameOf),
    exit: [node.config.exit ?? []].flat().map(nameOf),
    invokes: node.invoke.map(({ src }) => nameOf(src)),
    initial: initialOf(node),
    reactions: transitionsOf(node)
      .filter(({ target }) => target === undefined)
      .map((transition) => triggerOf(transition, node)),
    states: Object.values(node.states).map(stateOf),
  }
}

function idOf(node: AnyStateNode): string {
  return [node.machine.id, ...node.path].join('.')
}

function initialOf(node: AnyStateNode): string | undefined {
  const first = node.type === 'compound' ? node.initial.target?.[0] : undefined
  return first === undefined ? undefined : idOf(first)
}

function arrowsOf(node: AnyStateNode): Arrow[] {
  const arrows = new Map<string, Arrow>()
  for (const transition of transitionsOf(node)) {
    for (const target of transition.target ?? []) {
      const [from, to] = [idOf(node), idOf(target)]
      const trigger = triggerOf(transition, node)
      const isFromAny = to.startsWith(`${from}.`)
      const triggers = [...(arrows.get(to)?.triggers ?? []), trigger]
      arrows.set(to, { from, to, isFromAny, triggers })
    }
  }
  return [...arrows.values(), ...Object.values(node.states).flatMap(arrowsOf)]
}

/** XState's own order: events, ends of actors, delays, then what needs no event. */
function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...node.transitions.values()].flat().concat(node.always ?? [])
}

function triggerOf(transition: AnyTransitionDefinition, node: AnyStateNode): Trigger {
  const event = transition.eventType === '' ? 'always' : transition.eventType
  const rivals = transitionsOf(node).filter(({ eventType }) => eventType === transition.eventType)
  const place = rivals.indexOf(transition)
  const unguarded = place > 0 ? 'else' : undefined
  return {
    event,
    label: labelOf(event, node),
    guard: transition.guard === undefined ? unguarded : guardOf(transition),
    rank: rivals.length > 2 ? place + 1 : undefined,
    actions: transition.actions.map(nameOf),
  }
}

function labelOf(event: string, node: AnyStateNode): string {
  const delayed = node.after.find(({ eventType }) => eventType === event)
  if (delayed !== undefined) {
    const { delay } = delayed
    return `after ${typeof delay === 'number' ? `${delay} ms` : nameOf(delay)}`
  }
  if (event.startsWith('xstate.done.state.')) return 'done'
  const actor = node.invoke.find(
    ({ id }) => /^xstate\.\w+\.actor\./.test(event) && event.endsWith(`.${id}`),
  )
  if (actor === undefined) return event
  const end = event.startsWith('xstate.done.') ? 'done' : 'error'
  return node.invoke.length > 1 ? `${end} ${nameOf(actor.src)}` : end
}

function guardOf({ guard }: AnyTransitionDefinition): string {
  return [nameOf(guard), ...literalsOf(guard)].join(' ')
}

/** The words that a transition hands its guard: they tell apart uses of one guard. */
function literalsOf(reference: unknown): string[] {
  if (typeof reference !== 'object' || reference === null || !('params' in reference)) return []
  const { params } = reference
  const given: unknown =
    typeof params === 'function'
      ? Reflect.apply(params, undefined, [{ context: UNKNOWN, event: UNKNOWN }])
      : params
  if (typeof given !== 'object' || given === null) return []
  return Object.values(given).filter((value) => typeof value === 'string')
}

/** Stands for what is known at run time only: anything can be read from it. */
const UNKNOWN: unknown = new Proxy(() => undefined, { get: () => UNKNOWN, apply: () => UNKNOWN })

function nameOf(reference: unknown): string {
  if (typeof reference === 'string') return reference.startsWith('xstate.') ? 'inline' : reference
  if (typeof reference === 'function') return reference.name === '' ? 'inline' : reference.name
  if (typeof reference !== 'object' || reference === null || !('type' in reference)) return 'inline'
  return nameOf(reference.type)
}
