import { createFakeAnthropic } from '../../fake/anthropic.ts'
import { LIMITED_UNTIL, SILENCE, STREAMS_SLOWLY } from '../../fake/behaviors.ts'
import { openPool } from '../open-pool.ts'

/** One pool through what a session meets; prints one JSON line with what came of it. */
const fake = await createFakeAnthropic({ accounts: ['a', 'b', 'c'] })
const pool = await openPool(fake)
const seen: Record<string, unknown> = {}

fake.account('a').behave(LIMITED_UNTIL(Date.now() + 3_600_000))
seen['afterLimit'] = (await pool.ask()).text.includes('answered by b')

fake.account('b').expire()
const answers = await Promise.all(Array.from({ length: 20 }, () => pool.ask()))
seen['afterExpiry'] = answers.every(({ status }) => status === 200)
seen['exchanges'] = fake.exchanges.length
seen['reuses'] = fake.reuses()

fake.account('b').behave(SILENCE)
const stop = new AbortController()
const asking = pool.ask('conversation-1', { signal: stop.signal }).catch((error: unknown) => error)
await fake.waitForRequest(({ account, status }) => account === 'b' && status === undefined)
stop.abort('enough')
seen['abortReason'] = await asking

fake.account('b').behave(STREAMS_SLOWLY('a slow answer', 5))
seen['stream'] = (await pool.ask()).text.includes('a slow answer')

await fake.close()
const failure: unknown = await pool.ask().catch((error: unknown) => error)
seen['unreachable'] = failure instanceof Error ? failure.message.slice(0, 12) : failure
seen['states'] = pool.status().accounts.map(({ state }) => state)
await pool.close()
process.stdout.write(`${JSON.stringify(seen)}\n`)
