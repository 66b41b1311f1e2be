/** What may happen in a run. Every number is a budget that is used up. */
export interface Bounds {
  readonly processes: number
  /** Token versions that may be spent: version `rotations + 1` is never renewed. */
  readonly rotations: number
  /** Renewals that one process may ask for, at any time. */
  readonly renewals: number
  /** Processes that may be killed, between any two steps. */
  readonly crashes: number
  /** Exchanges whose answer is lost: timeout, connection cut, 5xx. */
  readonly cuts: number
  /** Exchanges that certainly do not reach the server: connection refused, DNS, 429. */
  readonly refusals: number
  /** Records that the disk does not take at once. */
  readonly diskFaults: number
  /** Logins by a person, which replace the token in the accounts file. */
  readonly logins: number
  /** Whether the accounts file is written under a lock. */
  readonly lock: boolean
  /** Times that the lock is taken from a living holder, which does not notice. */
  readonly thefts: number
  /** Whether a process may stop between its last look at the accounts file and its rename. */
  readonly torn: boolean
  /** Programs that read the accounts file and write it back whole, much later. */
  readonly saves: number
  /** Whether the request of a dead process, or one given up, may still reach the server. */
  readonly late: boolean
  /** Whether waiting for a living owner may end without an answer. */
  readonly impatient: boolean
}

/** The answer on its way to a process. */
export type Wire = '-' | 'sent' | 'renewed' | 'dead'
type Outcome = '-' | 'token' | 'login' | 'unavailable'

export interface Process {
  /** The step it does next; `idle` = no renewal runs; `dead` = killed. */
  readonly at: string
  /** Renewals it may still ask for. */
  readonly renewals: number
  /** The token it knows, and with it the access token it uses. */
  readonly memory: number
  /** The token it renews; 0 = none. */
  readonly token: number
  /** The ticket it holds or looks at, from 1; 0 = none. */
  readonly ticket: number
  /** Dead owners it met while it claimed this token. */
  readonly deaths: number
  readonly wire: Wire
  /** It asked once more itself, after an exchange that ended in doubt. */
  readonly again: boolean
  /** Its ticket says that the token may have been sent. */
  readonly isMarked: boolean
  /** The answer is on the disk, but does not have the record's name yet. */
  readonly isWritten: boolean
  /** The token whose record the disk did not take; 0 = none. */
  readonly unrecorded: number
  /** It sent the token and has not recorded the answer: the window in which a crash costs. */
  readonly inWindow: boolean
  /** How its last renewal ended. */
  readonly outcome: Outcome
}

/** Tokens are their versions, from 1. Arrays by token have one unused place at 0. */
export interface World {
  readonly bounds: Bounds
  /** The token in the accounts file. */
  readonly store: number
  /** The token the server would accept. */
  readonly current: number
  readonly revoked: boolean
  /**
   * By token: one character per ticket. The living owner's number, or `o` (over), `u` (owner dead,
   * and never sent it), `x` (owner dead), `R` or `D` (owner dead, and its answer lies written beside the ticket: renewed or dead).
   */
  readonly tickets: readonly string[]
  /** By token: the redo record: `-` none, `r` renewed, `d` dead. */
  readonly records: readonly string[]
  readonly processes: readonly Process[]
  /** Who thinks that it holds the lock and is right; -1 = nobody. */
  readonly lock: number
  /** What a program read that will write it back; 0 = none does. */
  readonly saver: number
  /** By token: requests under way that nobody waits for. */
  readonly late: readonly number[]
  readonly crashes: number
  readonly cuts: number
  readonly refusals: number
  readonly thefts: number
  readonly saves: number
  readonly diskFaults: number
  readonly logins: number
  readonly ghost: Ghost
}

/** What no process can see, kept to judge the run. */
interface Ghost {
  /** By token: senders that live, or that have recorded what they got. */
  readonly answerable: readonly number[]
  /** By token: it was sent although an earlier sender was answerable. */
  readonly needless: readonly boolean[]
  /** Spent tokens that the server saw again. */
  readonly reuses: number
  /** ... of which the sender could have known. */
  readonly avoidable: number
  /** Crashes between claiming and recording. */
  readonly crashesWithTicket: number
  /** Crashes between sending and recording. */
  readonly crashesInWindow: number
  /** A ticket says that the token was not sent, and it was. */
  readonly wronglyUnsent: boolean
  /** The newest token that ever was in a file. */
  readonly durable: number
  /** The accounts file went back to an older token. */
  readonly wentBack: boolean
}

export const NOBODY = -1

export function createWorld(bounds: Bounds): World {
  const perToken = Array.from({ length: bounds.rotations + 1 })
  return {
    bounds,
    store: 1,
    current: 1,
    revoked: false,
    tickets: perToken.map(() => ''),
    records: perToken.map(() => '-'),
    processes: Array.from({ length: bounds.processes }, () => ({
      at: 'idle',
      renewals: bounds.renewals,
      memory: 1,
      token: 0,
      ticket: 0,
      deaths: 0,
      wire: '-' as const,
      again: false,
      isMarked: false,
      isWritten: false,
      unrecorded: 0,
      inWindow: false,
      outcome: '-' as const,
    })),
    lock: NOBODY,
    saver: 0,
    late: perToken.map(() => 0),
    crashes: bounds.crashes,
    cuts: bounds.cuts,
    refusals: bounds.refusals,
    thefts: bounds.thefts,
    saves: bounds.saves,
    diskFaults: bounds.diskFaults,
    logins: bounds.logins,
    ghost: {
      answerable: perToken.map(() => 0),
      needless: perToken.map(() => false),
      reuses: 0,
      avoidable: 0,
      crashesWithTicket: 0,
      crashesInWindow: 0,
      wronglyUnsent: false,
      durable: 1,
      wentBack: false,
    },
  }
}

export function processAt(world: World, me: number): Process {
  const found = world.processes[me]
  if (found === undefined) throw new RangeError(`no process ${me}`)
  return found
}

export function withProcess(world: World, me: number, changes: Partial<Process>): World {
  const processes = world.processes.slice()
  processes[me] = { ...processAt(world, me), ...changes }
  return { ...world, processes }
}

export function recordOf(world: World, token: number): string {
  return world.records[token] ?? '-'
}

export function ticketsOf(world: World, token: number): string {
  return world.tickets[token] ?? ''
}

/** The `n`th ticket: see `World.tickets`; an empty string when there is none. */
export function ticketOf(world: World, token: number, n: number): string {
  return ticketsOf(world, token).charAt(n - 1)
}

export function withTickets(world: World, token: number, tickets: string): World {
  return { ...world, tickets: replaced(world.tickets, token, tickets) }
}

export function withRecord(world: World, token: number, record: 'r' | 'd'): World {
  const durable = record === 'r' ? Math.max(world.ghost.durable, token + 1) : world.ghost.durable
  return {
    ...world,
    records: replaced(world.records, token, record),
    ghost: { ...world.ghost, durable },
  }
}

export function withStore(world: World, store: number): World {
  const durable = Math.max(world.ghost.durable, store)
  const wentBack = world.ghost.wentBack || store < world.store
  return { ...world, store, ghost: { ...world.ghost, durable, wentBack } }
}

export function replaced<Item>(items: readonly Item[], index: number, item: Item): Item[] {
  const copy = items.slice()
  copy[index] = item
  return copy
}

/** The token after rolling forward from `token`. */
export function rolledForward(world: World, token: number): number {
  let newest = token
  while (recordOf(world, newest) === 'r') newest += 1
  return newest
}

/** What a login brings: newer than all that can be renewed. */
export function loginToken({ bounds }: World): number {
  return bounds.rotations + 2
}

/** The token that a reader of the accounts file can find: by rolling forward, and by looking for what dead owners wrote. */
export function newestReadable(world: World): number {
  let token = world.store
  while (recordOf(world, token) === 'r' || ticketsOf(world, token).includes('R')) token += 1
  return token
}
