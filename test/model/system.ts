import type { Model, Move } from './explore.ts'
import type { Protocol } from './protocol.ts'
import { receive, unanswerable } from './server.ts'
import {
  type Bounds,
  NOBODY,
  type World,
  createWorld,
  loginToken,
  newestReadable,
  processAt,
  recordOf,
  replaced,
  withProcess,
  withRecord,
  withStore,
} from './world.ts'
import { key } from './key.ts'

/** A protocol, run by several processes in a world where things go wrong within `bounds`. */
export function createModel(protocol: Protocol, bounds: Bounds, symmetry = true): Model<World> {
  return {
    initial: createWorld(bounds),
    moves: (world) => [...progress(protocol, world), ...accidents(protocol, world)],
    progress: (world) => progress(protocol, world),
    key: (world) => key(world, symmetry),
    fault: (world) => faultOf(protocol, world),
  }
}

/** What happens by itself: a renewal that runs goes on, the server answers. */
function progress(protocol: Protocol, world: World): Move<World>[] {
  const moves: Move<World>[] = []
  for (let me = 0; me < world.processes.length; me += 1) {
    const { at, wire, token, unrecorded } = processAt(world, me)
    if (unrecorded > 0) {
      const recorded = withRecord(world, unrecorded, 'r')
      moves.push({
        label: `${nameOf(me)} writes ${unrecorded}.next after all`,
        state: withProcess(recorded, me, { unrecorded: 0 }),
      })
    }
    if (at === 'idle' || at === 'dead') continue
    for (const { label, world: state } of stepOf(protocol, at)(world, me)) {
      moves.push({ label: `${nameOf(me)} ${label}`, state })
    }
    if (wire === 'sent') {
      const received = receive(world, token)
      moves.push({
        label: `server receives token ${token} from ${nameOf(me)}: ${received.answer}`,
        state: withProcess(received.world, me, { wire: received.answer }),
      })
    }
  }
  return moves
}

/** What may happen or not: a request for a token, a death, a late packet, a foreign write. */
function accidents(protocol: Protocol, world: World): Move<World>[] {
  const moves: Move<World>[] = [...login(world)]
  for (let me = 0; me < world.processes.length; me += 1) {
    const process = processAt(world, me)
    if (process.at === 'dead') continue
    if (process.at === 'idle') moves.push(...wishes(protocol, world, me))
    if (world.crashes > 0) {
      moves.push({ label: `${nameOf(me)} is killed at "${process.at}"`, state: crash(world, me) })
    }
  }
  world.late.forEach((count, token) => {
    if (count === 0) return
    const under = { ...world, late: replaced(world.late, token, count - 1) }
    const received = receive(under, token)
    moves.push({ label: `server receives token ${token} late`, state: received.world })
  })
  if (world.saver !== 0) {
    moves.push({
      label: `another program writes the file back with token ${world.saver}`,
      state: { ...withStore(world, world.saver), saver: 0 },
    })
  } else if (world.saves > 0) {
    moves.push({
      label: `another program reads the file with token ${world.store}`,
      state: { ...world, saver: world.store, saves: world.saves - 1 },
    })
  }
  return moves
}

function login(world: World): Move<World>[] {
  if (world.logins === 0) return []
  const loggedIn = withStore(world, loginToken(world))
  return [{ label: 'a person logs in', state: { ...loggedIn, logins: world.logins - 1 } }]
}

function wishes(protocol: Protocol, world: World, me: number): Move<World>[] {
  const { memory, renewals, outcome } = processAt(world, me)
  const moves: Move<World>[] = []
  if (renewals === 0 || outcome === 'login') return moves
  if (memory <= world.bounds.rotations) {
    moves.push({
      label: `${nameOf(me)} needs a token newer than ${memory}`,
      state: withProcess(world, me, {
        at: protocol.first,
        renewals: renewals - 1,
        outcome: '-',
      }),
    })
  }
  if (world.store > memory) {
    moves.push({
      label: `${nameOf(me)} sees token ${world.store} in the file`,
      state: withProcess(world, me, { memory: world.store }),
    })
  }
  return moves
}

function crash(world: World, me: number): World {
  const { inWindow, wire, token, unrecorded, isWritten, isMarked } = processAt(world, me)
  const owner = String(me)
  let after: World = {
    ...world,
    crashes: world.crashes - 1,
    // What a dead process holds can be taken at once: its death is seen.
    lock: world.lock === me ? NOBODY : world.lock,
  }
  if (inWindow) after = unanswerable(after, token)
  if (unrecorded > 0) after = unanswerable(after, unrecorded)
  if (wire === 'sent' && world.bounds.late) {
    after = { ...after, late: replaced(after.late, token, (after.late[token] ?? 0) + 1) }
  }
  const died = isMarked ? 'x' : 'u'
  const left = isWritten ? (wire === 'dead' ? 'D' : 'R') : died
  const held = world.tickets.filter(
    (tickets, of) =>
      tickets.includes(owner) && recordOf(world, of) === '-' && (of !== token || isMarked),
  )
  after = {
    ...after,
    tickets: after.tickets.map((tickets, of) =>
      tickets.replace(owner, of === token && recordOf(world, of) === '-' ? left : 'x'),
    ),
    ghost: {
      ...after.ghost,
      crashesInWindow: after.ghost.crashesInWindow + (inWindow ? 1 : 0) + (unrecorded > 0 ? 1 : 0),
      wronglyUnsent: after.ghost.wronglyUnsent || (inWindow && left === 'u'),
      crashesWithTicket: after.ghost.crashesWithTicket + (isWritten ? 0 : held.length),
    },
  }
  return withProcess(after, me, {
    at: 'dead',
    renewals: 0,
    memory: 0,
    token: 0,
    ticket: 0,
    deaths: 0,
    wire: '-',
    again: false,
    isMarked: false,
    isWritten: false,
    unrecorded: 0,
    inWindow: false,
    outcome: '-',
  })
}

function faultOf(protocol: Protocol, world: World): string | undefined {
  const { ghost, bounds } = world
  if (ghost.avoidable > 0) return 'a spent token was sent again, and its sender could have known'
  if (ghost.wronglyUnsent) return 'a token that was sent counts as unsent'
  const cuts = bounds.cuts - world.cuts
  const faults = bounds.diskFaults - world.diskFaults
  if (ghost.reuses > ghost.crashesInWindow + cuts + faults) {
    return 'spent tokens were sent again more often than something went wrong'
  }
  if (world.tickets.some((tickets) => /x.*x./.test(tickets))) {
    return 'a third process took a ticket after two had died with one'
  }
  if (ghost.wentBack && !bounds.torn && bounds.thefts === 0) {
    return 'the accounts file went back to an older token'
  }
  if (world.processes.every(({ at }) => at === 'idle' || at === 'dead')) {
    return faultAtRest(world, ghost.crashesWithTicket + cuts + faults > 0)
  }
  return isStuck(protocol, world) ? 'a process waits for ever' : undefined
}

/** Some renewal runs, and nothing but an accident can move it. */
function isStuck(protocol: Protocol, world: World): boolean {
  return world.processes.every(({ at, wire, unrecorded }, me) => {
    if (wire === 'sent' || unrecorded > 0) return false
    return at === 'idle' || at === 'dead' || stepOf(protocol, at)(world, me).length === 0
  })
}

function faultAtRest(world: World, somethingWentWrong: boolean): string | undefined {
  const newest = newestReadable(world)
  if (newest < world.ghost.durable) return 'a token that was saved is lost'
  if (somethingWentWrong) return undefined
  if (newest < world.current || world.revoked) return 'the login is lost without a cause'
  const { processes } = world
  return processes.some(({ outcome }) => outcome === 'login')
    ? 'a process asks for a login without a cause'
    : undefined
}

function stepOf(protocol: Protocol, at: string) {
  const step = protocol.steps[at]
  if (step === undefined) throw new Error(`${protocol.name} has no step "${at}"`)
  return step
}

function nameOf(me: number): string {
  return 'ABC'.charAt(me)
}
