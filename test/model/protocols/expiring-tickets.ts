import { type Protocol, next } from '../protocol.ts'
import { processAt } from '../world.ts'
import { ours } from './ours.ts'

/** A ticket counts as abandoned when it is old, not when its owner is dead. */
export const expiringTickets: Protocol = {
  ...ours,
  name: 'tickets that expire',
  steps: {
    ...ours.steps,
    wait(world, me) {
      const ticket = processAt(world, me).ticket + 1
      return next(world, me, 'takes it for abandoned', { at: 'claim', ticket })
    },
  },
}
