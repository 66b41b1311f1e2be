import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ROTATES, ROTATES_SLOWLY } from '../fake/token-behaviors.ts'
import type { Runtime } from '../runtime/runtimes.ts'
import type { Crew, Worker } from './crew.ts'
import { type ChaosProvider, startProvider } from './provider.ts'
import type { Row } from './row.ts'

const CLIENTS = 8
const PARALLEL = 50
const GENERATIONS = 200
/** Longer than any grace and any pause of ours. */
const PATIENCE_MS = 20_000

/** R3: one exchange for each generation, however many requests are refused at once. */
export async function runStampede(crew: Crew, runtime: Runtime): Promise<Row> {
  const provider = await startProvider(join(crew.folder(), 'accounts.json'), ['a'])
  const { fake } = provider
  const clients = await startClients(crew, runtime, provider)
  let answered = 0
  let wrong = 0
  for (let generation = 1; generation <= GENERATIONS; generation++) {
    const before = fake.exchanges.length
    fake.account('a').expire()
    for (const client of clients) client.tell(`ask ${PARALLEL}`)
    for (const client of clients) answered += Number(await client.line())
    if (fake.exchanges.length !== before + 1) wrong += 1
  }
  const calls = fake.exchanges.length
  await crew.dismiss()
  await provider.close()
  const asked = GENERATIONS * CLIENTS * PARALLEL
  return {
    id: 'R3',
    runtime,
    done: `${GENERATIONS} generations, ${CLIENTS} processes × ${PARALLEL} refused requests`,
    measured: `${calls} token calls, ${wrong} generations without exactly one, ${asked - answered} requests not answered`,
    target: `${GENERATIONS} calls, 0, 0`,
    baseline: '',
    isMet: calls === GENERATIONS && wrong === 0 && answered === asked,
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
    await provider.login('a')
  }
  await provider.close()
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
