import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ROTATES, ROTATES_SLOWLY } from '../fake/token-behaviors.ts'
import type { Runtime } from '../runtime/runtimes.ts'
import { checkSpends } from './check.ts'
import type { Crew, Worker } from './crew.ts'
import { startMonkey } from './monkey.ts'
import { type ChaosProvider, startProvider } from './provider.ts'
import type { Row } from './row.ts'

const CLIENTS = 8
const PARALLEL = 50
const GENERATIONS = 200
/** While one is being renewed by a process that sleeps, others go on. */
const ACCOUNTS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
/** Under kills and stops. */
const RUN_MS = 45_000
/** The provider answers this long after it has spent the token: the window for a kill to hit. */
const ANSWER_MS = 120
/** After this the answer is on the disk of its client. */
const KEPT_MS = ANSWER_MS + 400
/** Longer than any grace and any pause of ours. */
const PATIENCE_MS = 20_000

/** R3: one exchange for each generation, however many requests are refused at once. */
export async function runStampede(crew: Crew, runtime: Runtime): Promise<Row> {
  const provider = await startProvider(join(crew.folder(), 'accounts.json'), ['a'])
  const { fake } = provider
  const clients = await startClients(crew, runtime, provider)
  let answered = 0
  for (let generation = 1; generation <= GENERATIONS; generation++) {
    fake.account('a').expire()
    for (const client of clients) client.tell(`ask ${PARALLEL}`)
    for (const client of clients) answered += Number(await client.line())
  }
  const calls = fake.exchanges.length
  await crew.dismiss()
  await fake.close()
  const asked = GENERATIONS * CLIENTS * PARALLEL
  return {
    id: 'R3',
    runtime,
    done: `${GENERATIONS} generations, ${CLIENTS} processes × ${PARALLEL} refused requests`,
    measured: `${calls} token calls, ${asked - answered} requests not answered`,
    target: `${GENERATIONS} calls, 0`,
    baseline: '',
    isMet: calls === GENERATIONS && answered === asked,
  }
}

/** R4: no avoidable double spend while clients are killed and stopped, with a lock and without. */
export async function runUnderFire(
  crew: Crew,
  runtime: Runtime,
  { hasLock }: { readonly hasLock: boolean },
): Promise<Row> {
  const report = await underFire(crew, runtime, { hasLock, isBaseline: false })
  return {
    id: hasLock ? 'R4' : 'R4, lock removed',
    runtime,
    done: `${report.generations} generations, ${report.kills} kills, ${report.stops} stops`,
    measured: `${report.avoidable} avoidable, ${report.inDoubt} in doubt`,
    target: '0 avoidable of ≥ 100',
    baseline: '',
    isMet: report.avoidable === 0 && report.generations >= 100,
  }
}

/** The same with clients that lock, read again and adopt. */
export async function runBaseline(crew: Crew): Promise<Row> {
  const report = await underFire(crew, 'node', { hasLock: true, isBaseline: true })
  const lost = `${report.avoidable} avoidable, ${report.inDoubt} in doubt, ${report.logins} logins lost`
  return {
    id: 'R4, baseline',
    runtime: 'node',
    done: `${report.generations} generations, ${report.kills} kills, ${report.stops} stops`,
    measured: '',
    target: '',
    baseline: lost,
    isMet: true,
  }
}

/** R5: a kill inside the window is followed by one attempt, then by an account that says why. */
export async function runLostAnswers(crew: Crew, runtime: Runtime): Promise<Row> {
  const times = 6
  const provider = await startProvider(join(crew.folder(), 'accounts.json'), ['a'])
  const { fake } = provider
  let isTyped = true
  let mostUses = 0
  let inDoubt = 0
  for (let time = 1; time <= times; time++) {
    const clients = await startClients(crew, runtime, provider)
    const from = fake.exchanges.length
    fake.behaveOnExchange(({ earlier }) =>
      earlier === 0
        ? ROTATES_SLOWLY(0, 60_000)({ earlier, client: undefined })
        : ROTATES({ earlier, client: undefined }),
    )
    fake.account('a').expire()
    for (const client of clients) client.tell('loop')
    const spender = await until(() => fake.exchanges[from]?.client)
    const victim = clients.find(({ name }) => name === spender)
    victim?.kill()
    const others = clients.filter((client) => client !== victim)
    for (const client of others) {
      const [state, reason, why] =
        (await until(async () => {
          client.tell('status')
          const status: unknown = JSON.parse(await client.line())
          return Array.isArray(status) && status[0] === 'disabled' ? status : undefined
        })) ?? []
      isTyped &&= state === 'disabled' && reason === 'lost' && String(why).includes('new login')
    }
    const uses = fake.exchanges.length - from
    mostUses = Math.max(mostUses, uses)
    inDoubt += uses - 1
    await crew.dismiss()
    provider.login('a')
  }
  await fake.close()
  return {
    id: 'R5',
    runtime,
    done: `${times} clients killed between the exchange and its answer`,
    measured: `${inDoubt} in doubt, ≤ ${mostUses - 1} retry each, ${isTyped ? 'all' : 'NOT all'} say "lost"`,
    target: `≤ ${times}, ≤ 1 retry, typed`,
    baseline: '',
    isMet: inDoubt <= times && mostUses <= 2 && isTyped,
  }
}

interface FireReport {
  readonly generations: number
  readonly kills: number
  readonly stops: number
  readonly avoidable: number
  readonly inDoubt: number
  /** How often a person had to sign in again. */
  readonly logins: number
}

async function underFire(
  crew: Crew,
  runtime: Runtime,
  { hasLock, isBaseline }: { readonly hasLock: boolean; readonly isBaseline: boolean },
): Promise<FireReport> {
  const provider = await startProvider(join(crew.folder(), 'accounts.json'), ACCOUNTS)
  const { fake, file } = provider
  fake.behaveOnExchange(ROTATES_SLOWLY(10, ANSWER_MS))
  if (!hasLock) crew.start('lock-remover', 'node', 'lock remover', [file])
  let starts = 0
  const start = (name: string): Worker => {
    starts += 1
    const program = isBaseline ? 'baseline-client' : 'renew'
    const worker = crew.start(program, runtime, `${name}.${starts}`, [
      file,
      fake.origin,
      `${name}.${starts}`,
    ])
    worker.tell('loop')
    return worker
  }
  const names = Array.from({ length: CLIENTS }, (_, index) => `c${index}`)
  const workers = new Map(names.map((name) => [name, start(name)]))
  await Promise.all([...workers.values()].map(async (worker) => worker.line()))
  const monkey = startMonkey(
    workers,
    {
      killEveryMs: 700,
      stopEveryMs: 900,
      // Some sleep through the life of a lock.
      stopForMs: () => (Math.random() < 0.3 ? 16_000 : 500 + Math.random() * 2_000),
      awake: 3,
    },
    start,
  )
  const logins = await keepExpiring(provider)
  await monkey.rest()
  await pause(500)
  await crew.dismiss()
  await fake.close()
  const spends = provider.spends()
  const { avoidable, inDoubt } = checkSpends(spends, monkey.deaths, KEPT_MS)
  for (const what of avoidable.slice(0, isBaseline ? 0 : 10)) {
    process.stdout.write(`  R4: ${what}\n`)
  }
  return {
    generations: spends.filter(({ outcome }) => outcome === 'rotated').length,
    kills: monkey.kills(),
    stops: monkey.stops(),
    avoidable: avoidable.length,
    inDoubt,
    logins,
  }
}

/** Ends the access tokens again and again. How often somebody had to sign in. */
async function keepExpiring(provider: ChaosProvider): Promise<number> {
  const { fake } = provider
  const rotations = (name: string) =>
    fake.exchanges.filter(({ account, outcome }) => account === name && outcome === 'rotated')
      .length
  const last = new Map<string, number>()
  const end = Date.now() + RUN_MS
  let logins = 0
  while (Date.now() < end) {
    await pause(150)
    for (const name of ACCOUNTS) {
      if (last.get(name) === rotations(name)) continue
      last.set(name, rotations(name))
      fake.account(name).expire()
    }
    for (const name of provider.dead()) {
      logins += 1
      last.delete(name)
      provider.login(name)
    }
  }
  return logins
}

async function startClients(
  crew: Crew,
  runtime: Runtime,
  { file, fake }: ChaosProvider,
): Promise<readonly Worker[]> {
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    crew.start('renew', runtime, `client ${index}`, [file, fake.origin, `client ${index}`]),
  )
  await Promise.all(clients.map(async (client) => client.line()))
  return clients
}

async function until<Found>(
  look: () => Found | undefined | Promise<Found | undefined>,
): Promise<Found | undefined> {
  const end = Date.now() + PATIENCE_MS
  while (Date.now() < end) {
    const found = await look()
    if (found !== undefined) return found
    await pause(20)
  }
  return undefined
}
