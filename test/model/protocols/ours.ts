import {
  type Next,
  type Protocol,
  next,
  settled,
  takeLock,
  withTicketAs,
  withoutLock,
  withoutTicket,
} from '../protocol.ts'
import { send, unanswerable } from '../server.ts'
import {
  type Process,
  type World,
  processAt,
  recordOf,
  rolledForward,
  ticketOf,
  ticketsOf,
  withRecord,
  withStore,
  withTickets,
} from '../world.ts'

/** So many deaths over one token, and only a login helps. */
const DEATHS_UNTIL_LOST = 2

/** The refresh protocol. Every step looks at one file, or changes one. */
export const ours: Protocol = {
  name: 'ours',
  first: 'read',
  steps: {
    read(world, me) {
      const token = Math.max(world.store, processAt(world, me).memory)
      return next(world, me, `reads the store: token ${token}`, { at: 'readRecord', token })
    },

    /** Rolls forward: what was recorded for this token counts as read. */
    readRecord(world, me) {
      const { token, memory } = processAt(world, me)
      if (recordOf(world, token) !== '-') return apply(world, me)
      if (token > memory) return next(world, me, 'adopts it', settled('token', token))
      return next(world, me, 'sees no record', { at: 'claim', ticket: 1 })
    },

    claim(world, me) {
      const { token, ticket } = processAt(world, me)
      const ticketName = `ticket ${token}.spend.${ticket}`
      switch (ticketOf(world, token, ticket)) {
        case '':
          return next(world, me, `finds no ${ticketName}`, { at: 'link' })
        case 'o':
          return next(world, me, `finds ${ticketName} over`, { at: 'salvage' })
        case 'u':
          return next(world, me, `finds ${ticketName} never used`, { at: 'salvage' })
        case 'x':
        case 'R':
        case 'D': {
          const deaths = processAt(world, me).deaths + 1
          return next(world, me, `finds ${ticketName} of a dead process`, { at: 'salvage', deaths })
        }
        default:
          return next(world, me, `finds ${ticketName} of a living process`, { at: 'wait' })
      }
    },

    /** The owner is gone, and so can write nothing any more: what is there now is all. */
    salvage(world, me) {
      const { token, ticket, deaths } = processAt(world, me)
      if (recordOf(world, token) !== '-') return apply(world, me)
      const left = ticketOf(world, token, ticket)
      if (left === 'R' || left === 'D') {
        const saved = withRecord(world, token, left === 'R' ? 'r' : 'd')
        return next(saved, me, `makes what it wrote ${token}.next`, {})
      }
      return deaths < DEATHS_UNTIL_LOST
        ? next(world, me, 'sees no record', { at: 'claim', ticket: ticket + 1 })
        : next(world, me, 'gives up: two owners died', settled('login'))
    },

    link(world, me) {
      const { token, ticket } = processAt(world, me)
      const tickets = ticketsOf(world, token)
      const ticketName = `ticket ${token}.spend.${ticket}`
      if (tickets.length >= ticket) return next(world, me, 'was too slow', { at: 'wait' })
      const claimed = withTickets(world, token, tickets + String(me))
      return next(claimed, me, `makes ${ticketName}`, { at: 'recheckRecord' })
    },

    wait(world, me) {
      const { token, ticket } = processAt(world, me)
      const steps: Next[] = []
      if (recordOf(world, token) !== '-') steps.push(...apply(world, me))
      const owner = ticketOf(world, token, ticket)
      const isHeld = owner !== '' && !'oxuRD'.includes(owner)
      if (!isHeld) steps.push(...next(world, me, 'stops waiting', { at: 'claim' }))
      if (owner === 'o' || world.bounds.impatient) {
        steps.push(...next(world, me, 'waits no longer', settled('unavailable')))
      }
      return steps
    },

    recheckRecord(world, me) {
      const { token } = processAt(world, me)
      switch (recordOf(world, token)) {
        case 'r':
          return next(world, me, 'finds a record', { at: 'giveBack', memory: token + 1 })
        case 'd':
          return next(world, me, 'finds it recorded dead', { at: 'giveBack', outcome: 'login' })
        default:
          return next(world, me, 'sees no record', { at: 'recheck' })
      }
    },

    recheck(world, me) {
      const { token } = processAt(world, me)
      const newest = rolledForward(world, world.store)
      if (newest <= token) return next(world, me, 'sees nothing newer stored', { at: 'mark' })
      const adopted = { memory: newest, outcome: 'token' } as const
      return next(world, me, `finds token ${newest} stored`, { at: 'giveBack', ...adopted })
    },

    giveBack(world, me) {
      const { outcome, memory } = processAt(world, me)
      const changes = outcome === '-' ? toMerge(world, memory) : settled(outcome)
      return next(withoutTicket(world, me), me, 'gives the ticket back', changes)
    },

    mark(world, me) {
      return next(world, me, 'marks its ticket as sent', { at: 'send', isMarked: true })
    },

    send(world, me) {
      const { token, again } = processAt(world, me)
      const sent = next(send(world, me), me, `sends token ${token}`, { at: 'answer' })
      if (world.refusals === 0) return sent
      const refused = { ...world, refusals: world.refusals - 1 }
      const ended = again
        ? ({ at: 'over' } as const)
        : ({ at: 'giveBack', outcome: 'unavailable' } as const)
      return [...sent, ...next(refused, me, 'is not connected', ended)]
    },

    answer(world, me) {
      const { wire } = processAt(world, me)
      const steps: Next[] = []
      if (wire === 'renewed') steps.push(...next(world, me, 'gets a new token', { at: 'write' }))
      if (wire === 'dead') steps.push(...next(world, me, 'is refused for good', { at: 'bury' }))
      if (world.cuts > 0) steps.push(...cut(world, me))
      return steps
    },

    over(world, me) {
      const after = withTicketAs(world, me, 'o')
      return next(after, me, 'marks its ticket over', settled('unavailable'))
    },

    /** Into the room that was reserved with the ticket. */
    write(world, me) {
      const { token, wire } = processAt(world, me)
      const written = next(world, me, 'writes the answer beside its ticket', {
        at: 'record',
        isWritten: true,
        inWindow: false,
      })
      if (world.diskFaults === 0) return written
      const faulty = { ...world, diskFaults: world.diskFaults - 1 }
      if (wire === 'dead') {
        const unknown = unanswerable(faulty, token)
        const ended = { at: 'over', inWindow: false } as const
        return [...written, ...next(unknown, me, 'cannot write the answer', ended)]
      }
      const kept = { ...toMerge(world, token + 1), unrecorded: token, inWindow: false } as const
      return [...written, ...next(faulty, me, 'cannot write the answer', { ...kept, wire: '-' })]
    },

    record(world, me) {
      const { token, wire } = processAt(world, me)
      const isDead = wire === 'dead'
      const recorded = withRecord(world, token, isDead ? 'd' : 'r')
      const changes: Partial<Process> = isDead
        ? settled('login')
        : { ...toMerge(world, token + 1), isWritten: false, wire: '-' }
      return next(recorded, me, `makes it ${token}.next`, changes)
    },

    /** A permanent answer counts only while nothing newer is stored. */
    bury(world, me) {
      const { token } = processAt(world, me)
      const newest = rolledForward(world, world.store)
      if (newest <= token) return next(world, me, 'sees nothing newer stored', { at: 'write' })
      const adopted = { memory: newest, outcome: 'token' } as const
      return next(world, me, `finds token ${newest} stored`, { at: 'giveBack', ...adopted })
    },

    mergeLock: (world, me) => takeLock(world, me, 'mergeLook'),

    mergeLook(world, me) {
      const { token } = processAt(world, me)
      if (world.bounds.lock && world.lock !== me) {
        return next(world, me, 'has lost the lock', { at: 'mergeLock' })
      }
      if (world.store !== token) {
        return next(world, me, `leaves token ${world.store} in the store`, afterMerge(world))
      }
      if (!world.bounds.torn) return merge(world, me)
      return next(world, me, 'finds the spent token in the store', { at: 'mergeWrite' })
    },

    mergeWrite: merge,

    mergeUnlock(world, me) {
      return next(withoutLock(world, me), me, 'releases the lock', settled('token'))
    },
  },
}

/** Does what the record of the token at hand says. */
function apply(world: World, me: number): readonly Next[] {
  const { token } = processAt(world, me)
  if (recordOf(world, token) === 'd') {
    return next(world, me, 'reads that the login is dead', settled('login'))
  }
  return next(world, me, `reads ${token}.next`, toMerge(world, token + 1))
}

export function toMerge(world: World, memory: number) {
  return { at: world.bounds.lock ? 'mergeLock' : 'mergeLook', memory, ticket: 0, deaths: 0 }
}

export function merge(world: World, me: number): readonly Next[] {
  const { token } = processAt(world, me)
  const merged = withStore(world, token + 1)
  return next(merged, me, `writes token ${token + 1} to the store`, afterMerge(world))
}

function afterMerge(world: World): Partial<Process> {
  return world.bounds.lock ? { at: 'mergeUnlock' } : settled('token')
}

/** No answer: the same process asks once more, while its ticket keeps all others away. */
function cut(world: World, me: number): readonly Next[] {
  const { wire, token, again } = processAt(world, me)
  const late = world.late.slice()
  if (wire === 'sent' && world.bounds.late) late[token] = (late[token] ?? 0) + 1
  const after = unanswerable({ ...world, late, cuts: world.cuts - 1 }, token)
  const label = wire === 'sent' ? 'is cut before the answer' : 'is cut after the server answered'
  const ended = { wire: '-', inWindow: false } as const
  const over = next(after, me, label, { ...ended, at: 'over' })
  if (again) return over
  return [
    ...over,
    ...next(after, me, `${label}, asks again`, { ...ended, at: 'send', again: true }),
  ]
}
