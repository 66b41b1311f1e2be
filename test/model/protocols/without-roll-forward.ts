import { type Protocol, next, settled } from '../protocol.ts'
import { processAt } from '../world.ts'
import { ours } from './ours.ts'

/** Readers do not look at the records; whoever claims does. */
export const recordsForClaimsOnly: Protocol = {
  ...ours,
  name: 'records for claims only',
  steps: {
    ...ours.steps,
    readRecord(world, me) {
      const { token, memory } = processAt(world, me)
      if (token > memory) return next(world, me, 'adopts it', settled('token', token))
      return next(world, me, 'wants to spend it', { at: 'claim', ticket: 1 })
    },
    recheck(world, me) {
      const { token } = processAt(world, me)
      if (world.store <= token) return next(world, me, 'still finds it stored', { at: 'mark' })
      const adopted = { memory: world.store, outcome: 'token' } as const
      return next(world, me, `finds token ${world.store} stored`, { at: 'giveBack', ...adopted })
    },
  },
}

/** Nobody looks at the records but those who wait for one. */
export const withoutRollForward: Protocol = {
  ...recordsForClaimsOnly,
  name: 'no roll-forward',
  steps: {
    ...recordsForClaimsOnly.steps,
    salvage(world, me) {
      const { ticket, deaths } = processAt(world, me)
      return deaths < 2
        ? next(world, me, 'does not look for a record', { at: 'claim', ticket: ticket + 1 })
        : next(world, me, 'gives up: two owners died', settled('login'))
    },
    recheckRecord: (world, me) => next(world, me, 'does not look for a record', { at: 'recheck' }),
  },
}
