import { createFakeAnthropic } from '../../fake/anthropic.ts'
import {
  ANSWERS,
  CUT_AFTER,
  FAILS_IN_STREAM,
  SEQUENCE,
  STALLS_AFTER,
  UNFINISHED_AFTER,
} from '../../fake/behaviors.ts'
import { anthropic } from '../../../src/provider/anthropic/adapter.ts'
import { openAnswer } from '../../../src/request/stream.ts'
import { realWorld } from '../../../src/world.ts'
import { openPool } from '../open-pool.ts'
import { readAll } from '../read-all.ts'

/** One pool through all that a stream can do; prints one JSON line with what came of it. */
const fake = await createFakeAnthropic({ accounts: ['a', 'b'] })
const pool = await openPool(fake)
const a = fake.account('a')
const seen: Record<string, unknown> = {}
const tool = { name: 'look', input_schema: { type: 'object' } }

a.behave(FAILS_IN_STREAM('overloaded'))
seen['overloadedBefore'] = (await readAll(await ask())).text.includes('"text":"b"')

a.behave(SEQUENCE(CUT_AFTER(''), ANSWERS))
seen['cutBefore'] = (await readAll(await ask())).text.includes('message_stop')

a.behave(FAILS_IN_STREAM('api', 'shown'))
const failed = await readAll(await ask())
seen['failedAfter'] = [failed.text.includes('api_error'), failed.error]

a.behave(CUT_AFTER('shown'))
seen['cutAfter'] = nameOf((await readAll(await ask())).error)

a.behave(UNFINISHED_AFTER('shown'))
const unfinished = await readAll(await ask())
seen['unfinished'] = [unfinished.text.includes('shown'), nameOf(unfinished.error)]

a.behave(() => ({ kind: 'tool', name: 'mcp_look', input: { at: 'näme' } }))
seen['tool'] = (await readAll(await ask())).text.includes('"name":"look"')

a.behave(STALLS_AFTER(''))
const holding = new AbortController()
const asked = fake.modelRequests().length
const held = ask(holding.signal).catch((error: unknown) => error)
await fake.waitForRequest(() => fake.modelRequests()[asked]?.status === 200)
const before = performance.now()
holding.abort('escape')
seen['abortHeld'] = [await held, performance.now() - before < 50]

a.behave(STALLS_AFTER('shown'))
const reading = new AbortController()
const aborted = await ask(reading.signal)
setTimeout(() => reading.abort('enough'), 20)
seen['abortRead'] = (await readAll(aborted)).error

const connection = new AbortController()
const direct = await fetch(`${fake.origin}/v1/messages`, {
  signal: connection.signal,
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'oauth-2025-04-20',
    authorization: `Bearer ${a.tokens().accessToken}`,
  },
  body: JSON.stringify(bodyOf()),
})
const opened = await openAnswer(
  {
    world: fastWorld(),
    signal: undefined,
    hangUp: () => connection.abort(),
    from: 'Anthropic',
    readEvent: anthropic.readEvent,
    limits() {},
    complete() {},
    failed() {},
    released() {},
  },
  direct,
)
seen['stalled'] =
  opened.kind === 'open' ? nameOf((await readAll(opened.response)).error) : opened.kind

seen['states'] = pool.status().accounts.map(({ state, inFlight }) => [state, inFlight])
await fake.close()
await pool.close()
process.stdout.write(`${JSON.stringify(seen)}\n`)

async function ask(signal?: AbortSignal): Promise<Response> {
  const [url, init] = pool.request()
  return pool.fetch(url, {
    ...init,
    body: JSON.stringify(bodyOf()),
    ...(signal === undefined ? {} : { signal }),
  })
}

function bodyOf() {
  const messages = [{ role: 'user', content: 'hello' }]
  return { model: 'claude-sonnet-4-5', max_tokens: 64, stream: true, messages, tools: [tool] }
}

function nameOf(error: unknown): unknown {
  return error instanceof Error ? error.message.split(':')[0] : error
}

/** A world in which a minute takes 60 ms. */
function fastWorld() {
  const world = realWorld(() => {})
  return {
    arm: (fire: () => void, ms: number) => world.arm(fire, ms / 1_000),
    monotonic: () => world.monotonic() * 1_000,
  }
}
