import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import {
  ANSWERS,
  type Behavior,
  CUT_AFTER,
  FAILS_IN_STREAM,
  LIMITED_UNTIL,
  REPLIES,
  SEQUENCE,
  STALLS_AFTER,
  type StreamError,
  UNFINISHED_AFTER,
} from '../fake/behaviors.ts'
import { sse } from '../fake/dialect.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { type OpenPool, openPool } from './open-pool.ts'
import { createOpened } from './opened.ts'
import { readAll } from './read-all.ts'

const SHOWN = 'this was shown'
const FAILURE = /"type":"(?:error|response\.failed)"/
const { keep, closeAll } = createOpened()

afterEach(closeAll)

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('a streamed answer (%s)', (_name, createFake) => {
  const start = async (behavior: Behavior, accounts = ['a', 'b', 'c'], settings = {}) => {
    const fake = await createFake({ accounts })
    keep(fake)
    const pool = await openPool(fake, settings)
    keep(pool)
    fake.account('a').behave(behavior)
    return { fake, pool }
  }

  it.each<[StreamError, string[], string]>([
    ['overloaded', ['a', 'a', 'b'], 'active'],
    ['api', ['a', 'a', 'b'], 'active'],
    ['revoked', ['a', 'b'], 'disabled'],
  ])('that fails before content (%s) is had from another account', async (error, asked, state) => {
    const { pool } = await start(FAILS_IN_STREAM(error))
    const answer = await ask(pool)
    expect(answer.status).toBe(200)
    expect(answer.words).toContain('answered by b')
    expect(answer.text).not.toMatch(FAILURE)
    expect(pool.asked()).toEqual(asked)
    expect(pool.stateOf('a')).toBe(state)
    expect(inFlight(pool)).toEqual([0, 0, 0])
  })

  it('that is limited before content is had from another account, and this one rests', async () => {
    const { pool } = await start(FAILS_IN_STREAM('limited'))
    expect((await ask(pool)).words).toContain('answered by b')
    expect(pool.stateOf('a')).toBe('rateLimited')
  })

  it('whose token is refused before content is had with a new one', async () => {
    const { pool, fake } = await start(SEQUENCE(FAILS_IN_STREAM('unauthorized'), ANSWERS))
    expect((await ask(pool)).words).toContain('answered by a')
    expect(fake.exchanges).toHaveLength(1)
    expect(pool.stateOf('a')).toBe('active')
  })

  it('that fails by the request’s own fault is the refusal that the host knows', async () => {
    const { pool } = await start(FAILS_IN_STREAM('request'))
    const answer = await ask(pool)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(answer.text)).toMatchObject({ error: { message: /too long/ } })
    expect(pool.asked()).toEqual(['a'])
    expect(pool.stateOf('a')).toBe('active')
  })

  it('that fails everywhere ends in the provider’s own error', async () => {
    const { pool, fake } = await start(FAILS_IN_STREAM('overloaded'))
    for (const account of fake.accounts()) account.behave(FAILS_IN_STREAM('overloaded'))
    const answer = await ask(pool)
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(answer.text).toMatch(/overloaded/i)
    expect(pool.asked()).toEqual(['a', 'a', 'b'])
    expect(inFlight(pool)).toEqual([0, 0, 0])
  })

  it('that breaks off before content is asked for again', async () => {
    const { pool } = await start(SEQUENCE(CUT_AFTER(''), ANSWERS))
    expect((await ask(pool)).words).toContain('answered by a')
    expect(pool.asked()).toEqual(['a', 'a'])
  })

  it('that breaks off everywhere before content is an error of the provider', async () => {
    const { pool, fake } = await start(ANSWERS)
    for (const account of fake.accounts()) account.behave(UNFINISHED_AFTER(''))
    const answer = await ask(pool)
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.text)).toMatchObject({ error: { message: /broke off/ } })
  })

  it.each<[StreamError, string]>([
    ['overloaded', 'active'],
    ['api', 'active'],
    ['limited', 'rateLimited'],
    ['revoked', 'disabled'],
  ])('that fails after content (%s) is passed on, and not sent again', async (error, state) => {
    const { pool } = await start(FAILS_IN_STREAM(error, SHOWN))
    const answer = await ask(pool)
    expect(answer.status).toBe(200)
    expect(answer.words).toContain(SHOWN)
    expect(answer.text).toMatch(FAILURE)
    expect(pool.asked()).toEqual(['a'])
    expect(pool.stateOf('a')).toBe(state)
    expect(inFlight(pool)).toEqual([0, 0, 0])
  })

  it('whose token is refused after content renews it for the next request', async () => {
    const { pool, fake } = await start(SEQUENCE(FAILS_IN_STREAM('unauthorized', SHOWN), ANSWERS))
    await ask(pool)
    await expect.poll(() => fake.exchanges.map(({ outcome }) => outcome)).toEqual(['rotated'])
    expect((await ask(pool)).words).toContain('answered by a')
    expect(fake.exchanges).toHaveLength(1)
  })

  it.each([
    ['breaks off', CUT_AFTER(SHOWN)],
    ['ends without its end', UNFINISHED_AFTER(SHOWN)],
  ])('that %s after content is an error, not an answer', async (_, behavior) => {
    const { pool } = await start(behavior)
    const response = await pool.fetch(...request(pool))
    const { text, error } = await readAll(response)
    expect(words(text)).toContain(SHOWN)
    expect(error).toMatchObject({ name: 'RotaError', code: 'stream', message: /broke off/ })
    expect(pool.asked()).toEqual(['a'])
    expect(pool.stateOf('a')).toBe('active')
    expect(inFlight(pool)).toEqual([0, 0, 0])
  })

  it('counts as a success only when it ended well', async () => {
    const { pool, fake } = await start(LIMITED_UNTIL(Date.now() + 1_000), ['a'], {
      max_wait_ms: 0,
    })
    expect((await ask(pool)).status).toBe(429)
    await expect.poll(() => pool.stateOf('a'), { timeout: 4_000 }).toBe('cooling')
    fake.account('a').behave(UNFINISHED_AFTER(SHOWN))
    const broken = await readAll(await pool.fetch(...request(pool)))
    expect(broken.error).toMatchObject({ code: 'stream' })
    expect(pool.stateOf('a')).toBe('cooling')
    fake.account('a').behave(ANSWERS)
    await ask(pool)
    expect(pool.stateOf('a')).toBe('active')
  })

  it('that says nothing yet rejects with the reason of an abort within 50 ms', async () => {
    const { pool, fake } = await start(STALLS_AFTER(''))
    const stop = new AbortController()
    const [url, init] = request(pool, { signal: stop.signal })
    const settled = pool.fetch(url, init).catch((error: unknown) => error)
    await fake.waitForRequest(({ status }) => status === 200)
    const reason = { because: 'the person pressed escape' }
    const before = performance.now()
    stop.abort(reason)
    expect(await settled).toBe(reason)
    expect(performance.now() - before).toBeLessThan(50)
    expect(pool.stateOf('a')).toBe('active')
    expect(inFlight(pool)).toEqual([0, 0, 0])
  })

  it('that is aborted or cancelled later is ended at the provider and blames nobody', async () => {
    const { pool, fake } = await start(STALLS_AFTER(SHOWN))
    const stop = new AbortController()
    const aborted = await pool.fetch(...request(pool, { signal: stop.signal }))
    stop.abort('enough')
    expect((await readAll(aborted)).error).toBe('enough')
    const cancelled = await pool.fetch(...request(pool))
    await cancelled.body?.cancel()
    await expect.poll(() => fake.openAnswers()).toBe(0)
    expect(pool.asked()).toEqual(['a', 'a'])
    expect(pool.stateOf('a')).toBe('active')
    expect(inFlight(pool)).toEqual([0, 0, 0])
  })

  it('whose signal aborts after its end was a success', async () => {
    const { pool } = await start(ANSWERS)
    const stop = new AbortController()
    expect((await ask(pool, { signal: stop.signal })).words).toContain('answered by a')
    stop.abort('the host closes its scope')
    expect(pool.stateOf('a')).toBe('active')
    expect(pool.said).toEqual([])
    expect(inFlight(pool)).toEqual([0, 0, 0])
  })
})

describe('the limits in a stream of OpenAI', () => {
  it('are usage of the account, by the length of their windows', async () => {
    const fake = await createFakeOpenAI({ accounts: ['a'] })
    keep(fake)
    const pool = await openPool(fake)
    keep(pool)
    const weekly = { used_percent: 64, window_minutes: 10_080, reset_after_seconds: 3_600 }
    const body =
      sse({ type: 'response.created', response: {} }) +
      sse({ type: 'codex.rate_limits', rate_limits: { primary: weekly, secondary: null } }) +
      sse({ type: 'response.completed', response: {} })
    fake.account('a').behave(REPLIES(200, body, { 'content-type': 'text/event-stream' }))
    expect((await ask(pool)).text).toBe(body)
    expect(pool.status().accounts[0]?.usage).toMatchObject([{ window: 'weekly', usedPercent: 64 }])
  })
})

/** As the host asks: for a stream. */
function request(pool: OpenPool, init: RequestInit = {}): [string, RequestInit] {
  const [url, sent, text] = pool.request('conversation-1', init)
  return [url, { ...sent, body: JSON.stringify({ ...JSON.parse(text), stream: true }) }]
}

async function ask(pool: OpenPool, init: RequestInit = {}) {
  const response = await pool.fetch(...request(pool, init))
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, words: words(text) }
}

/** What the stream's deltas say. */
function words(stream: string): string {
  return [...stream.matchAll(/"(?:text|delta)":"([^"]*)"/g)].map(([, word]) => word).join('')
}

function inFlight(pool: OpenPool): number[] {
  return pool.status().accounts.map((account) => account.inFlight)
}
