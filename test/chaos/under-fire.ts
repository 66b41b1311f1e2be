import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ROTATES_SLOWLY } from '../fake/token-behaviors.ts'
import type { Runtime } from '../runtime/runtimes.ts'
import { type Death, type SpendReport, checkSpends, checkTokens } from './check.ts'
import type { Crew, Worker } from './crew.ts'
import { readHistories } from './history.ts'
import { type Monkey, startMonkey } from './monkey.ts'
import { type ChaosProvider, startProvider } from './provider.ts'
import type { Row } from './row.ts'
import { remainsOf } from './tokens.ts'

const CLIENTS = 8
/** Several are held by processes that sleep; the others go on. */
const ACCOUNTS = Array.from({ length: 24 }, (_, index) => `account-${index}`)
const RUN_MS = 45_000
const BASELINE_RUN_MS = 25_000
/** The provider answers this long after it has spent the token: the window that is aimed at. */
const ANSWER_MS = 120
/** What an exchange may take (reliability of the protocol rests on it): then it is asked again. */
const EXCHANGE_LIMIT_MS = 20_000
/** Until all that was begun has ended, and every file says so. */
const SETTLE_MS = 20_000

/** R4: no avoidable double spend while clients are killed and stopped, with a lock and without. */
export async function runUnderFire(
  crew: Crew,
  runtime: Runtime,
  { hasLock }: { readonly hasLock: boolean },
): Promise<Row> {
  const fire = await lightFire(crew, runtime, hasLock ? 'locked' : 'lock removed')
  const { provider, monkey } = fire
  await settled(fire)
  const report = fire.report()
  // Without a lock a late writer may set the file back for a moment; the end counts all the same.
  const histories = hasLock ? readHistories(fire.histories) : []
  const violations = checkTokens(histories, provider.standing(fire.deaths))
  await crew.dismiss()
  await provider.close()
  for (const what of [...report.avoidable, ...violations].slice(0, 10)) {
    process.stdout.write(`  R4: ${what}\n`)
  }
  return {
    id: hasLock ? 'R4' : 'R4, lock removed',
    runtime,
    done: `${fire.generations} generations, ${monkey.kills()} kills, ${monkey.stops()} stops`,
    measured: `${report.avoidable.length} avoidable, ${report.inDoubt} in doubt, ${violations.length} wrong tokens`,
    target: '0 avoidable of ≥ 100, 0 wrong',
    baseline: '',
    isMet: report.avoidable.length === 0 && fire.generations >= 100 && violations.length === 0,
  }
}

/** The same with clients that lock, read again and adopt. They must not survive it: else it tests nothing. */
export async function runBaseline(crew: Crew): Promise<Row> {
  const fire = await lightFire(crew, 'node', 'baseline')
  const { provider, monkey, generations, logins } = fire
  const report = fire.report()
  await crew.dismiss()
  await provider.close()
  return {
    id: 'R4, baseline',
    runtime: 'node',
    done: `${generations} generations, ${monkey.kills()} kills, ${monkey.stops()} stops`,
    measured: '',
    target: 'baseline fails',
    baseline: `${report.avoidable.length} avoidable, ${report.inDoubt} in doubt, ${logins} logins lost`,
    isMet: report.avoidable.length > 0,
  }
}

interface Fire {
  readonly provider: ChaosProvider
  readonly monkey: Monkey
  readonly deaths: readonly Death[]
  /** The folder of the histories. */
  readonly histories: string
  readonly generations: number
  /** Of all uses until now. */
  report(): SpendReport
  /** How often a person had to sign in again. */
  readonly logins: number
}

async function lightFire(
  crew: Crew,
  runtime: Runtime,
  kind: 'locked' | 'lock removed' | 'baseline',
): Promise<Fire> {
  const folder = crew.folder()
  const histories = join(folder, 'histories')
  mkdirSync(histories)
  const provider = await startProvider(join(folder, 'accounts.json'), ACCOUNTS)
  const { fake, file } = provider
  fake.behaveOnExchange(ROTATES_SLOWLY(10, ANSWER_MS))
  const remover =
    kind === 'lock removed' ? crew.start('lock-remover', 'node', 'lock remover', [file]) : undefined
  let starts = 0
  const start = (name: string): Worker => {
    starts += 1
    const program = kind === 'baseline' ? 'baseline-client' : 'renew'
    const client = `${name}.${starts}`
    const history = join(histories, `${client}.jsonl`)
    const worker = crew.start(program, runtime, client, [file, fake.origin, client, history])
    worker.tell('loop')
    return worker
  }
  const names = Array.from({ length: CLIENTS }, (_, index) => `c${index}`)
  const workers = new Map(names.map((name) => [name, start(name)]))
  await Promise.all([...workers.values()].map(async (worker) => worker.line()))
  const deaths: Death[] = []
  const monkey = startMonkey(
    workers,
    {
      killEveryMs: 700,
      kills: 'anybody',
      stopEveryMs: 900,
      // Some sleep through the life of a lock.
      stopForMs: () => (Math.random() < 0.3 ? 16_000 : 500 + Math.random() * 2_000),
      awake: 3,
      aim: () => fake.exchanges.findLast(({ at }) => Date.now() < at + ANSWER_MS)?.client,
      onDeath: ({ name, pid }) => deaths.push({ client: name, ...remainsOf(pid, file) }),
    },
    start,
  )
  const signIn = async (accounts: readonly string[]) => {
    // Or a person who signs in might find the file busy for as long as eight others write it.
    remover?.stop()
    await Promise.all(accounts.map(provider.login))
    remover?.resume()
  }
  const logins = await keepExpiring(
    provider,
    kind === 'baseline' ? BASELINE_RUN_MS : RUN_MS,
    signIn,
  )
  await monkey.rest()
  if (remover !== undefined) await endRemoval(remover)
  await pause(500)
  return {
    provider,
    monkey,
    deaths,
    histories,
    generations: fake.exchanges.filter(({ outcome }) => outcome === 'rotated').length,
    report: () => checkSpends(provider.spends(), deaths, monkey.naps, EXCHANGE_LIMIT_MS),
    logins,
  }
}

/** It must have removed the lock until now: else nothing was tested. */
async function endRemoval(remover: Worker): Promise<void> {
  const line = remover.line()
  remover.tell('end')
  if ((await line) !== 'removed') throw new Error('Nobody removed the lock.')
}

/** Ends the access tokens again and again. How often somebody had to sign in. */
async function keepExpiring(
  { fake, dead }: ChaosProvider,
  forMs: number,
  signIn: (accounts: readonly string[]) => Promise<void>,
): Promise<number> {
  const rotations = (name: string) =>
    fake.exchanges.filter(({ account, outcome }) => account === name && outcome === 'rotated')
      .length
  const last = new Map<string, number>()
  const end = Date.now() + forMs
  let logins = 0
  while (Date.now() < end) {
    await pause(150)
    for (const name of ACCOUNTS) {
      if (last.get(name) === rotations(name)) continue
      last.set(name, rotations(name))
      fake.account(name).expire()
    }
    const without = dead()
    logins += without.length
    for (const name of without) last.delete(name)
    if (without.length > 0) await signIn(without)
  }
  return logins
}

/** Waits until nothing is wrong any more; what stays wrong is for the checker to say. */
async function settled({ provider, deaths }: Fire): Promise<void> {
  const end = Date.now() + SETTLE_MS
  while (Date.now() < end && checkTokens([], provider.standing(deaths)).length > 0) {
    await pause(100)
  }
}
