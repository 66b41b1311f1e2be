import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { expect } from 'vitest'

/**
 * XState is silent where it should throw: an unknown delay fires at once, an unknown guard or
 * action throws only when it is reached. This walks every node and fails on the first such name.
 */
export function expectWellFormed(machine: AnyStateMachine): void {
  expect(faultsOf(machine)).toEqual([])
}

/** The same as sentences, for the test of the check itself. */
export function faultsOf(machine: AnyStateMachine): string[] {
  return nodesOf(machine.root).flatMap((node) => [
    ...faultsOfInitial(node),
    ...faultsOfDelays(node, machine),
    ...node.entry.concat(node.exit).flatMap((action) => unknownAction(action, node.id, machine)),
    ...transitionsOf(node).flatMap((transition) => faultsOfTransition(transition, node, machine)),
    ...node.invoke.flatMap(({ src }) =>
      typeof src === 'string' && !isInline(src) && !(src in machine.implementations.actors)
        ? [`${node.id}: unknown actor "${src}"`]
        : [],
    ),
  ])
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)]
}

function faultsOfInitial(node: AnyStateNode): string[] {
  if (node.type !== 'compound') return []
  const initial: unknown = node.config.initial
  return typeof initial === 'string' && initial in node.states
    ? []
    : [`${node.id}: unknown initial state "${String(initial)}"`]
}

function faultsOfDelays(node: AnyStateNode, machine: AnyStateMachine): string[] {
  return node.after.flatMap(({ delay }) =>
    typeof delay !== 'string' || delay in machine.implementations.delays
      ? []
      : [`${node.id}: unknown delay "${delay}"`],
  )
}

function faultsOfTransition(
  transition: AnyTransitionDefinition,
  node: AnyStateNode,
  machine: AnyStateMachine,
): string[] {
  const place = `${node.id} on ${transition.eventType}`
  const guard = nameOf(transition.guard)
  return [
    ...(guard === undefined || guard in machine.implementations.guards
      ? []
      : [`${place}: unknown guard "${guard}"`]),
    ...transition.actions.flatMap((action) => unknownAction(action, place, machine)),
  ]
}

function unknownAction(action: unknown, place: string, machine: AnyStateMachine): string[] {
  const name = nameOf(action)
  return name === undefined || name in machine.implementations.actions
    ? []
    : [`${place}: unknown action "${name}"`]
}

function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...node.transitions.values()].flat().concat(node.always ?? [])
}

/** Inline functions and XState's own actions carry no name of ours. */
function nameOf(reference: unknown): string | undefined {
  const name: unknown =
    typeof reference === 'object' && reference !== null && 'type' in reference
      ? reference.type
      : reference
  return typeof name === 'string' && !name.startsWith('xstate.') ? name : undefined
}

function isInline(src: string): boolean {
  return src.startsWith('xstate.invoke.')
}
