import { type Protocol, next } from '../protocol.ts'
import { ours } from './ours.ts'

/** The token leaves before the ticket says so. */
export const markAfterSend: Protocol = {
  ...ours,
  name: 'the mark after the sending',
  steps: {
    ...ours.steps,
    mark: (world, me) => next(world, me, 'turns to the server', { at: 'send' }),
    answer: (world, me) =>
      (ours.steps['answer']?.(world, me) ?? []).flatMap((made) =>
        next(made.world, me, made.label, { isMarked: true }),
      ),
  },
}
