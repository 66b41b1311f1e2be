import { RUNTIMES, type Runtime } from '../runtime/runtimes.ts'
import { type Crew, gatherCrew } from './crew.ts'
import { runLockHolder } from './lock-holder.ts'
import { runMutations } from './mutations.ts'
import { runBaseline, runLostAnswers, runStampede, runUnderFire } from './renewals.ts'
import { type Row, printRows } from './row.ts'
import { runWatching } from './watching.ts'

/** The whole run; past it something hangs, and that is a failure. */
const LONGEST_MS = 10 * 60_000

type Scenario = (crew: Crew, runtime: Runtime) => Promise<Row>

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  mutations: runMutations,
  stampede: runStampede,
  'under fire': (crew, runtime) => runUnderFire(crew, runtime, { hasLock: true }),
  'under fire, lock removed': (crew, runtime) => runUnderFire(crew, runtime, { hasLock: false }),
  'lost answers': runLostAnswers,
  watching: (crew, runtime) => runWatching(crew, runtime, { hasEvents: true }),
  'watching without inotify': (crew, runtime) => runWatching(crew, runtime, { hasEvents: false }),
  'lock holders': runLockHolder,
}

const crew = await gatherCrew()
const begun = performance.now()
process.once('exit', () => crew.close())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
setTimeout(() => {
  process.stdout.write('\nThe chaos did not end in time: something hangs.\n')
  process.exit(1)
}, LONGEST_MS).unref()

const rows: Row[] = []
// A name, or a part of one, runs only that.
const wanted = process.argv[2] ?? ''
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (!name.includes(wanted)) continue
  for (const runtime of RUNTIMES) {
    say(`${name} (${runtime})`)
    rows.push(await scenario(crew, runtime))
    await crew.dismiss()
  }
}
if ('baseline'.includes(wanted)) {
  say('baseline: lock, read again, adopt')
  rows.push(await runBaseline(crew))
}
process.stdout.write('\n')
printRows(rows)
say('done')
process.exit(rows.every(({ isMet }) => isMet) ? 0 : 1)

function say(what: string): void {
  const seconds = Math.round((performance.now() - begun) / 1_000)
  process.stdout.write(`${String(seconds).padStart(4)} s  ${what}\n`)
}
