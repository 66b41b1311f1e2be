import { type Next, type Protocol, next, settled } from '../protocol.ts'
import { type World, processAt, withRecord } from '../world.ts'
import { ours, toMerge } from './ours.ts'

/** The accounts file first, the record after it. */
export const mergeBeforeRecord: Protocol = {
  ...ours,
  name: 'merge before record',
  steps: {
    ...ours.steps,
    write(world, me) {
      const { wire, token } = processAt(world, me)
      if (wire === 'dead') return ours.steps['write']?.(world, me) ?? []
      return next(world, me, 'turns to the store', toMerge(world, token + 1))
    },
    mergeLook: (world, me) => recordAfter(world, me, ours.steps['mergeLook']?.(world, me) ?? []),
    mergeWrite: (world, me) => recordAfter(world, me, ours.steps['mergeWrite']?.(world, me) ?? []),
    mergeUnlock: (world, me) =>
      recordAfter(world, me, ours.steps['mergeUnlock']?.(world, me) ?? []),
    mergeRecord(world, me) {
      const { token } = processAt(world, me)
      return next(withRecord(world, token, 'r'), me, `writes ${token}.next`, settled('token'))
    },
  },
}

/** Whoever merged its own answer still has to record it. */
function recordAfter(before: World, me: number, steps: readonly Next[]): readonly Next[] {
  const { token, inWindow, wire, isMarked } = processAt(before, me)
  if (!inWindow) return steps
  return steps.flatMap((step) =>
    processAt(step.world, me).at === 'idle'
      ? next(step.world, me, step.label, { at: 'mergeRecord', token, inWindow, wire, isMarked })
      : step,
  )
}
