import {
  NOBODY,
  type Process,
  type World,
  processAt,
  ticketsOf,
  withProcess,
  withTickets,
} from './world.ts'

/** What a process does in one atomic step; nothing = it cannot go on yet. */
export interface Next {
  readonly label: string
  readonly world: World
}
export type Step = (world: World, me: number) => readonly Next[]

/** A renewal as atomic steps, by name. It begins at `first` and ends at `idle`. */
export interface Protocol {
  readonly name: string
  readonly first: string
  readonly steps: Readonly<Record<string, Step>>
}

/** One step of one process: its own changes, in a world that may have changed too. */
export function next(
  world: World,
  me: number,
  label: string,
  changes: Partial<Process>,
): readonly Next[] {
  return [{ label, world: withProcess(world, me, changes) }]
}

/** The renewal ends. */
export function settled(outcome: Process['outcome'], memory?: number): Partial<Process> {
  return {
    at: 'idle',
    token: 0,
    ticket: 0,
    deaths: 0,
    wire: '-',
    again: false,
    isMarked: false,
    isWritten: false,
    inWindow: false,
    outcome,
    ...(memory === undefined ? {} : { memory }),
  }
}

/** Takes the lock when it is free, or from a living holder as long as thefts are left. */
export function takeLock(world: World, me: number, at: string): readonly Next[] {
  if (world.lock === NOBODY) return next({ ...world, lock: me }, me, 'takes the lock', { at })
  if (world.lock === me || world.thefts === 0) return []
  const stolen = { ...world, lock: me, thefts: world.thefts - 1 }
  return next(stolen, me, 'takes the lock from a living holder', { at })
}

export function withoutLock(world: World, me: number): World {
  return world.lock === me ? { ...world, lock: NOBODY } : world
}

export function withoutTicket(world: World, me: number): World {
  const { token, ticket } = processAt(world, me)
  const tickets = ticketsOf(world, token)
  return withTickets(world, token, tickets.slice(0, ticket - 1) + tickets.slice(ticket))
}

/** What others see of this process's ticket from now on. */
export function withTicketAs(world: World, me: number, state: 'o'): World {
  const { token, ticket } = processAt(world, me)
  const tickets = ticketsOf(world, token)
  return withTickets(world, token, tickets.slice(0, ticket - 1) + state + tickets.slice(ticket))
}
