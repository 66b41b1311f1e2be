import { setTimeout as pause } from 'node:timers/promises'
import { RUNTIMES, type Runtime } from '../runtime/runtimes.ts'
import { type Crew, gatherCrew } from './crew.ts'
import { runLockHolder } from './lock-holder.ts'
import { runMutations } from './mutations.ts'
import { runLostAnswers, runStampede } from './renewals.ts'
import { type Row, printRows } from './row.ts'
import { runBaseline, runUnderFire } from './under-fire.ts'
import { runWatching } from './watching.ts'

/** The whole run; past it something hangs, and that is a failure. */
const LONGEST_MS = 10 * 60_000

type Scenario = (crew: Crew, runtime: Runtime) => Promise<Row>

/** Each with the time it may take, in seconds: about twice what it takes. */
const SCENARIOS: Readonly<Record<string, readonly [number, Scenario]>> = {
  mutations: [100, runMutations],
  stampede: [200, runStampede],
  'under fire': [70, (crew, runtime) => runUnderFire(crew, runtime, { hasLock: true })],
  'under fire, lock removed': [
    70,
    (crew, runtime) => runUnderFire(crew, runtime, { hasLock: false }),
  ],
  'lost answers': [50, runLostAnswers],
  watching: [60, (crew, runtime) => runWatching(crew, runtime, { hasEvents: true })],
  'watching without inotify': [
    60,
    (crew, runtime) => runWatching(crew, runtime, { hasEvents: false }),
  ],
  'lock holders': [30, runLockHolder],
}

const crew = await gatherCrew()
const begun = performance.now()
const rows: Row[] = []
process.once('exit', () => crew.close())
// Not once: a second signal, while all is being removed, would end that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => process.exit(1))
}
setTimeout(() => {
  printRows(rows)
  process.stdout.write('\nThe chaos did not end in time.\n')
  process.exit(1)
}, LONGEST_MS).unref()

// A name, or a part of one, runs only that.
const wanted = process.argv[2] ?? ''
let isLate = false
for (const [name, [seconds, scenario]] of Object.entries(SCENARIOS)) {
  if (!name.includes(wanted) || isLate) continue
  for (const runtime of RUNTIMES) {
    say(`${name} (${runtime})`)
    const late = tooLate(name, runtime, seconds)
    const row = await Promise.race([
      scenario(crew, runtime),
      pause(seconds * 1_000, late, { ref: false }),
    ])
    rows.push(row)
    // What hangs would disturb all that follows.
    isLate = row === late
    if (isLate) break
    await crew.dismiss()
  }
}
if ('baseline'.includes(wanted) && !isLate) {
  say('baseline: lock, read again, adopt')
  rows.push(await runBaseline(crew))
}
process.stdout.write('\n')
printRows(rows)
say('done')
process.exit(rows.every(({ isMet }) => isMet) ? 0 : 1)

function tooLate(name: string, runtime: Runtime, seconds: number): Row {
  const measured = `did not end in ${seconds} s`
  return { id: name, runtime, done: '', measured, target: '', baseline: '', isMet: false }
}

function say(what: string): void {
  const seconds = Math.round((performance.now() - begun) / 1_000)
  process.stdout.write(`${String(seconds).padStart(4)} s  ${what}\n`)
}
