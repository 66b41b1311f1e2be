import { type Protocol, type Step, next } from '../protocol.ts'
import { type World, processAt, replaced, ticketsOf, withTickets } from '../world.ts'
import { ours } from './ours.ts'
import { withoutRecheck } from './without-recheck.ts'

/** The owner removes its ticket when the answer is recorded: the name is free again. */
export const reusedTickets: Protocol = {
  ...ours,
  name: 'tickets removed after success',
  steps: { ...ours.steps, record: removing('record', withoutOwnTicket) },
}

export const reusedTicketsWithoutRecheck: Protocol = {
  ...withoutRecheck,
  name: 'tickets removed after success, no look after the claim',
  steps: { ...withoutRecheck.steps, record: removing('record', withoutOwnTicket) },
}

/** Ticket and record are removed when the accounts file has the new token. */
export const tidyJournal: Protocol = {
  ...ours,
  name: 'tickets and records removed after the merge',
  steps: {
    ...ours.steps,
    mergeLook: removing('mergeLook', withoutTrace),
    mergeWrite: removing('mergeWrite', withoutTrace),
  },
}

/** A step of ours that removes something too. */
function removing(name: string, remove: (world: World, me: number, token: number) => World): Step {
  return (before, me) => {
    const { token } = processAt(before, me)
    return (ours.steps[name]?.(before, me) ?? []).flatMap(({ label, world }) =>
      next(
        processAt(world, me).at === 'mergeWrite' ? world : remove(world, me, token),
        me,
        label,
        {},
      ),
    )
  }
}

function withoutOwnTicket(world: World, me: number, token: number): World {
  return withTickets(world, token, ticketsOf(world, token).replace(String(me), ''))
}

function withoutTrace(world: World, me: number, token: number): World {
  if (!ticketsOf(world, token).includes(String(me))) return world
  const records = replaced(world.records, token, '-')
  return { ...world, records, tickets: replaced(world.tickets, token, '') }
}
