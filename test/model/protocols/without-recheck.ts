import { type Protocol, next } from '../protocol.ts'
import { processAt } from '../world.ts'
import { ours } from './ours.ts'

const linkThenSend: Protocol['steps'] = {
  ...ours.steps,
  link: (world, me) =>
    (ours.steps['link']?.(world, me) ?? []).map((made) => {
      const isMade = processAt(made.world, me).at === 'recheckRecord'
      return isMade ? (next(made.world, me, made.label, { at: 'mark' })[0] ?? made) : made
    }),
}

/** Sends as soon as it has a ticket. */
export const withoutRecheck: Protocol = {
  ...ours,
  name: 'no look after the claim',
  steps: linkThenSend,
}

/** ... and looks for the record only once, before it looks at the tickets' owners. */
export const recordBeforeOwner: Protocol = {
  ...ours,
  name: 'the record before the owner',
  steps: {
    ...linkThenSend,
    salvage(world, me) {
      const { ticket } = processAt(world, me)
      return next(world, me, 'takes the next ticket', { at: 'claim', ticket: ticket + 1 })
    },
    write: (world, me) => next(world, me, 'opens the record', { at: 'record' }),
    record: (world, me) =>
      (ours.steps['record']?.(world, me) ?? []).flatMap((made) =>
        next(made.world, me, made.label, { inWindow: false }),
      ),
  },
}
