import { newFacts } from '../../machines/facts.ts'
import { poolMachine } from '../../machines/pool.ts'
import { createNotes } from '../../src/inspect/notes.ts'
import { observe } from '../../src/inspect/observe.ts'
import { createClock } from '../../src/pool/clock.ts'
import type { PoolNews } from '../../src/pool/events.ts'
import { type Supervision, supervise } from '../../src/pool/supervision.ts'
import { realWorld } from '../../src/world.ts'
import { NOBODY_HEARS, QUIET_INPUT } from '../inspect/quiet.ts'
import type { Row } from './table.ts'

const ROUNDS = 2_000
/** The best of these counts: what else the machine does is no cost of ours. */
const TURNS = 10
const IDS = ['one', 'two', 'three']

/**
 * What the inspector costs. Nothing of it is attached to a machine that nobody looks at, so that all
 * there is then is what it notes of the news.
 */
export async function measureInspector(): Promise<Row[]> {
  const notes = createNotes(Date.now)
  const unseen = start()
  const seen = start()
  let sent = 0
  const world = { now: Date.now, log: () => {} }
  observe([seen], world).listen((messages) => (sent += messages.join('').length))
  const best = { note: Infinity, unseen: Infinity, seen: Infinity }
  for (let turn = 0; turn < TURNS; turn++) {
    best.note = Math.min(best.note, (await timeOf(() => NEWS.forEach(notes.note))) / NEWS.length)
    best.unseen = Math.min(best.unseen, await timeOf(() => tell(unseen)))
    best.seen = Math.min(best.seen, await timeOf(() => tell(seen)))
  }
  if (sent === 0 || notes.timeline().length === 0) throw new Error('nothing was seen')
  return [
    row('an event to the inspector, nobody looks', best.note, undefined, 5),
    row('an event of a machine, somebody looks', best.seen, best.unseen, 1_000),
  ]
}

function row(what: string, measured: number, bare: number | undefined, target: number): Row {
  return { what, measured, unit: 'µs', target, bare }
}

function tell(machine: Supervision): void {
  const event = { type: 'request.burst', sentAt: 0, retryAfterMs: undefined } as const
  machine.send({ type: 'account.told', id: 'one', event })
}

const ABOUT = { account: 'one', label: 'one', why: 'the provider asked it to slow down' }
const REQUEST = { account: 'one', label: 'one', conversation: 'talk', isSubagent: false }
const NEWS: readonly PoolNews[] = [
  { type: 'request.assigned', ...REQUEST, reason: 'home', after: undefined },
  {
    type: 'account.changed',
    ...ABOUT,
    from: 'active',
    to: 'rateLimited',
    backAt: 1_800_000_000_000,
    disabledReason: null,
    kind: 'subscription',
  },
  { type: 'request.refused', ...REQUEST, ...ABOUT, status: 429 },
  { type: 'request.assigned', ...REQUEST, reason: 'least-busy', after: 'one' },
]

/** Of one round, with what it leaves to do, µs. */
async function timeOf(step: () => void): Promise<number> {
  const started = performance.now()
  for (let round = 0; round < ROUNDS; round++) {
    step()
    // As in life: whoever looks at machines does so when they have come to rest.
    if (round % 20 === 0) await Promise.resolve()
  }
  await Promise.resolve()
  return ((performance.now() - started) * 1_000) / ROUNDS
}

function start(): Supervision {
  const now = Date.now
  const world = realWorld(() => {})
  const machine = supervise({
    machine: poolMachine,
    clock: createClock(world),
    input: { ...QUIET_INPUT, now },
    heard: NOBODY_HEARS,
  })
  machine.send({ type: 'store.changed', accounts: IDS.map((id) => newFacts(id)) })
  return machine
}
