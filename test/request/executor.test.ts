import { readFile, stat } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import {
  ANSWERS,
  BURST,
  CONNECTION_RESET,
  LIMITED_UNTIL,
  LIMITED_WITHOUT_REASON,
  OVERLOADED,
  REPLIES,
  REVOKED,
  SEQUENCE,
  SILENCE,
  SLOW,
  UNAUTHORIZED,
  UNAUTHORIZED_ONCE,
} from '../fake/behaviors.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { ROTATES_SLOWLY } from '../fake/token-behaviors.ts'
import { type OpenPool, openPool } from './open-pool.ts'
import { createOpened } from './opened.ts'

const HOUR = 3_600_000
const ACCOUNTS = { accounts: ['a', 'b', 'c'] }
const { keep, start, closeAll } = createOpened()

afterEach(closeAll)

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('a request through the pool (%s)', (_name, createFake) => {
  it('is answered by the first account, and the second prompt by the same one', async () => {
    const { pool } = await start(createFake(ACCOUNTS))
    expect((await pool.ask()).text).toContain('answered by a')
    expect((await pool.ask()).text).toContain('answered by a')
    expect(pool.asked()).toEqual(['a', 'a'])
  })

  it('ends in the answer of the second account when the first is limited', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    const reset = Math.ceil(Date.now() / 1_000) * 1_000 + HOUR
    fake.account('a').behave(LIMITED_UNTIL(reset))
    const answer = await pool.ask()
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('answered by b')
    const [a] = pool.status().accounts
    expect(a).toMatchObject({ state: 'rateLimited', why: 'its 5-hour window is used up' })
    expect(a?.backAt).toBeGreaterThan(reset)
    expect(a?.backAt).toBeLessThanOrEqual(reset + 31_000)
  })

  it('asks a limited account no more, and names who is back first when all are limited', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(LIMITED_UNTIL(Date.now() + 2 * HOUR))
    fake.account('b').behave(LIMITED_UNTIL(Date.now() + HOUR))
    fake.account('c').behave(LIMITED_UNTIL(Date.now() + 3 * HOUR, { window: 'weekly' }))
    const first = await pool.ask()
    const second = await pool.ask()
    expect([first.status, second.status]).toEqual([429, 429])
    expect(pool.asked()).toEqual(['a', 'b', 'c'])
    expect(second.text).toContain('accounts are limited. First back: b at')
    expect(Number(second.headers.get('retry-after'))).toBeLessThanOrEqual(5)
  })

  it('waits for the first to come back when that is soon, and answers', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(LIMITED_UNTIL(Date.now() + 1_500))
    fake.account('b').behave(LIMITED_UNTIL(Date.now() + HOUR))
    fake.account('c').behave(LIMITED_UNTIL(Date.now() + HOUR))
    const answer = await pool.ask()
    expect(answer.text).toContain('answered by a')
    expect(pool.news.map(({ type }) => type)).toContain('request.waiting')
    await expect.poll(() => pool.stateOf('a')).toBe('active')
  })

  it('renews a refused token once and tries again on the same account', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').expire()
    expect((await pool.ask()).text).toContain('answered by a')
    expect(fake.exchanges).toHaveLength(1)
  })

  it('renews once for fifty parallel requests, and writes the new token down', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').expire()
    const answers = await Promise.all(Array.from({ length: 50 }, () => pool.ask()))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(fake.exchanges.filter(({ account }) => account === 'a')).toHaveLength(1)
    expect(fake.reuses()).toBe(0)
    expect(await readFile(pool.file, 'utf8')).toContain(fake.account('a').tokens().refreshToken)
  })

  it('moves on when a fresh token is refused too, and counts one failure', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(UNAUTHORIZED)
    expect((await pool.ask()).text).toContain('answered by b')
    expect(fake.exchanges).toHaveLength(1)
    expect(pool.stateOf('a')).toBe('authFailing')
  })

  it('keeps the account when a refused token works after one renewal', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(UNAUTHORIZED_ONCE)
    expect((await pool.ask()).text).toContain('answered by a')
    expect(pool.stateOf('a')).toBe('active')
  })

  it('sets a revoked login aside and says so, and never deletes it', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').revoke()
    fake.account('a').behave(REVOKED)
    expect((await pool.ask()).text).toContain('answered by b')
    expect(pool.stateOf('a')).toBe('disabled')
    expect(pool.status().accounts[0]?.why).toContain('new login')
    await pool.dispose()
    const stored: unknown = JSON.parse(await readFile(pool.file, 'utf8'))
    expect(stored).toMatchObject({ accounts: [{ label: 'a', isAuthDisabled: true }, {}, {}] })
  })

  it('hands the provider an error of the request back unchanged and benches nobody', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    const body = '{"type":"error","error":{"type":"invalid_request_error","message":"bad tool"}}'
    fake.account('a').behave(REPLIES(400, body))
    expect(await pool.ask()).toMatchObject({ status: 400, text: body })
    expect(pool.asked()).toEqual(['a'])
    expect(pool.stateOf('a')).toBe('active')
  })

  it('tries an overloaded provider again on the same account, then gives its answer back', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(OVERLOADED(1))
    expect((await pool.ask()).text).toContain('answered by a')
    for (const account of fake.accounts()) account.behave(OVERLOADED(99))
    const before = pool.asked().length
    expect((await pool.ask()).status).toBeGreaterThanOrEqual(500)
    expect(pool.asked().slice(before)).toEqual(['a', 'a', 'b'])
    // The host now asks again by itself: one attempt each, not three.
    expect((await pool.ask()).status).toBeGreaterThanOrEqual(500)
    expect(pool.asked().slice(before + 3)).toHaveLength(1)
    expect(['a', 'b', 'c'].map(pool.stateOf)).toEqual(['active', 'active', 'active'])
  })

  it('waits out a short pause on the same account, for the sake of its prompt cache', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(BURST)
    expect((await pool.ask()).text).toContain('answered by a')
    expect(pool.asked()).toEqual(['a', 'a'])
  })

  it('moves on from a refusal without a reason, and cools the account down for a while', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    expect((await pool.ask()).text).toContain('answered by b')
    expect(pool.status().accounts[0]).toMatchObject({
      state: 'rateLimited',
      why: 'the provider asked it to slow down',
    })
  })

  it('tries a lost connection once more, then rejects with a typed error without a secret', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(SEQUENCE(CONNECTION_RESET, CONNECTION_RESET))
    const failure = await pool.ask().catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'RotaError', code: 'network' })
    expect(String(failure)).toMatch(
      /^RotaError: fetch failed: 127\.0\.0\.1:\d+ ended the connection/,
    )
    expect(pool.asked()).toEqual(['a', 'a'])
    expect(pool.stateOf('a')).toBe('active')
  })

  it('passes an abort on with its own reason and blames nobody', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').behave(SILENCE)
    const stop = new AbortController()
    const reason = { because: 'the person pressed escape' }
    const asking = pool.ask('conversation-1', { signal: stop.signal })
    const settled = asking.catch((error: unknown) => error)
    await fake.waitForRequest(({ account }) => account === 'a')
    stop.abort(reason)
    expect(await settled).toBe(reason)
    expect(pool.status().accounts[0]).toMatchObject({ state: 'active', inFlight: 0 })
  })

  it('passes an abort on while it waits for a limit to end', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }))
    fake.account('a').behave(LIMITED_UNTIL(Date.now() + 30_000))
    const stop = new AbortController()
    const settled = pool
      .ask('conversation-1', { signal: stop.signal })
      .catch((error: unknown) => error)
    await expect.poll(() => pool.news.map(({ type }) => type)).toContain('request.waiting')
    stop.abort('enough')
    expect(await settled).toBe('enough')
  })

  it('is answered when the pool is closed while it waits for a limit to end', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }))
    fake.account('a').behave(LIMITED_UNTIL(Date.now() + 30_000))
    const asking = pool.ask()
    await expect.poll(() => pool.news.map(({ type }) => type)).toContain('request.waiting')
    await pool.dispose()
    expect(await asking).toMatchObject({ status: 429 })
  })

  it('sends bodies of every kind again to the next account', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    const [url, { headers, method }, text] = pool.request()
    const bytes = new TextEncoder().encode(text)
    const bodies = [text, bytes, new Blob([bytes]), new Response(text).body ?? '']
    for (const each of bodies) {
      const first = fake.account('a')
      first.behave(SEQUENCE(LIMITED_WITHOUT_REASON))
      const lone = await openPool(fake)
      keep(lone)
      const before = fake.modelRequests().length
      const init: RequestInit & { duplex: 'half' } = {
        method: method ?? 'POST',
        headers: headers ?? {},
        body: each,
        duplex: 'half',
      }
      expect((await lone.fetch(new Request(url, init))).status).toBe(200)
      expect(
        fake
          .modelRequests()
          .slice(before)
          .map(({ bodyText }) => bodyText),
      ).toEqual([text, text])
    }
  })

  it('answers without an account with one sentence that says what to do', async () => {
    const { pool } = await start(createFake({ accounts: [] }))
    const answer = await pool.ask()
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('opencode auth login')
    expect(answer.text).not.toMatch(/rate limit/i)
  })

  it('fails a request that waits for a token when the pool is closed, and keeps no one waiting', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }))
    fake.account('a').expire()
    fake.behaveOnExchange(ROTATES_SLOWLY(1_000))
    const asking = pool.ask()
    await fake.waitForRequest(({ status, path }) => status === undefined && path.includes('token'))
    await pool.dispose()
    expect((await asking).status).toBeGreaterThanOrEqual(400)
    // The exchange was on its way: its answer is saved all the same.
    await expect.poll(() => fake.exchanges.map(({ outcome }) => outcome)).toEqual(['rotated'])
    await expect
      .poll(() => readFile(pool.file, 'utf8'), { timeout: 4_000 })
      .toContain(fake.account('a').tokens().refreshToken)
  })

  it('goes on when a listener of the library throws', async () => {
    const { pool } = await start(createFake(ACCOUNTS))
    pool.subscribe(() => {
      throw new Error('a fault of the caller')
    })
    expect((await pool.ask()).status).toBe(200)
    expect(pool.said).toContain('A listener of the pool failed: a fault of the caller')
  })

  it('writes no file while requests only succeed', async () => {
    const { pool } = await start(createFake(ACCOUNTS))
    await pool.ask()
    const before = await stat(pool.file)
    for (let prompt = 0; prompt < 5; prompt++) await pool.ask()
    await pool.dispose()
    const after = await stat(pool.file)
    expect([after.mtimeMs, after.ino]).toEqual([before.mtimeMs, before.ino])
  })

  it('shows a name without what could paint over a screen', async () => {
    const fake = await createFake({ accounts: ['a'] })
    keep(fake)
    const seed = JSON.parse(JSON.stringify(fake.seed()))
    seed.accounts[0].label = '\u001b[2Jwork\u202e\u0007'
    const pool = await openPool(fake, {}, { seed })
    keep(pool)
    expect(pool.status().accounts[0]?.label).toBe('work')
    expect(await readFile(pool.file, 'utf8')).toContain('\\u001b[2Jwork')
  })

  it('prints no token in its news, its status or its log', async () => {
    const { pool, fake } = await start(createFake(ACCOUNTS))
    fake.account('a').expire()
    fake.account('b').behave(LIMITED_UNTIL(Date.now() + HOUR))
    await pool.ask()
    await pool.ask('conversation-2')
    const shown = JSON.stringify([pool.news, pool.status(), pool.said])
    for (const canary of fake.canaries()) expect(shown).not.toContain(canary)
  })
})

describe('a refusal that names a pause', () => {
  it(
    'waits out a longer pause too where the configuration allows it',
    { timeout: 15_000 },
    async () => {
      const { pool, fake } = await start(createFakeAnthropic(ACCOUNTS), {
        short_retry_after_ms: 8_000,
      })
      const slow = REPLIES(429, '{}', { 'retry-after-ms': '5100' })
      fake.account('a').behave(SEQUENCE(slow, ANSWERS))
      expect((await pool.ask()).text).toContain('answered by a')
      expect(pool.asked()).toEqual(['a', 'a'])
    },
  )
})

describe('a refusal that names no time', () => {
  it('benches for the configured time when the provider says that something is used up', async () => {
    const { pool, fake } = await start(createFakeOpenAI(ACCOUNTS), {
      default_retry_after_ms: 90_000,
    })
    const body = '{"error":{"type":"usage_limit_reached","message":"used up"}}'
    fake.account('a').behave(REPLIES(429, body))
    const before = Date.now()
    expect((await pool.ask()).text).toContain('answered by b')
    const [a] = pool.status().accounts
    expect(a?.backAt).toBeGreaterThanOrEqual(before + 90_000)
    expect(a?.backAt).toBeLessThan(before + 120_000)
  })
})

describe('conversations', () => {
  it('spread over the accounts when they run at the same time', async () => {
    const { pool, fake } = await start(createFakeAnthropic(ACCOUNTS))
    for (const account of fake.accounts()) account.behave(SLOW(50))
    await Promise.all(['one', 'two', 'three'].map((conversation) => pool.ask(conversation)))
    expect(new Set(pool.asked())).toEqual(new Set(['a', 'b', 'c']))
    await pool.ask('two')
    expect(pool.asked().at(-1)).toBe(homeOf(pool, 'two'))
  })

  it('come home when their home is back, and not before', async () => {
    const { pool, fake } = await start(createFakeAnthropic(ACCOUNTS))
    await pool.ask('one')
    fake.account('a').behave(LIMITED_UNTIL(Date.now() + 1_200))
    await pool.ask('one')
    await pool.ask('one')
    expect(pool.asked()).toEqual(['a', 'a', 'b', 'b'])
    await expect.poll(() => pool.stateOf('a'), { timeout: 5_000 }).toBe('cooling')
    // Others can serve: nobody probes with a conversation that is served.
    await pool.ask('one')
    expect(pool.asked().at(-1)).toBe('b')
  })

  it('begin at the home of the conversation that started them', async () => {
    const { pool, fake } = await start(createFakeAnthropic(ACCOUNTS))
    for (const account of fake.accounts()) account.behave(SLOW(50))
    await Promise.all(['one', 'two'].map((conversation) => pool.ask(conversation)))
    await pool.ask('child', { parent: 'two' })
    expect(pool.asked().at(-1)).toBe(homeOf(pool, 'two'))
    expect(fake.modelRequests().at(-1)).toMatchObject({ session: 'child', parent: 'two' })
  })
})

describe('several pools on one file', () => {
  it('share a limit and a renewed token without asking again', async () => {
    const { pool, fake } = await start(createFakeAnthropic(ACCOUNTS))
    const other = await openPool(fake, {}, { file: pool.file })
    keep(other)
    fake.account('a').behave(LIMITED_UNTIL(Date.now() + HOUR))
    fake.account('b').expire()
    expect((await pool.ask()).text).toContain('answered by b')
    await expect.poll(() => other.stateOf('a')).toBe('rateLimited')
    expect((await other.ask()).text).toContain('answered by b')
    expect(fake.exchanges).toHaveLength(1)
    expect(fake.reuses()).toBe(0)
  })

  it('spend an expired token once, although both find it expired at the same moment', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }))
    const other = await openPool(fake, {}, { file: pool.file })
    keep(other)
    fake.account('a').expire()
    const answers = await Promise.all([pool.ask(), other.ask(), pool.ask(), other.ask()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(fake.exchanges).toHaveLength(1)
    expect(fake.reuses()).toBe(0)
  })
})

function homeOf(pool: OpenPool, conversation: string): string | undefined {
  for (const event of pool.news) {
    if (event.type === 'request.assigned' && event.conversation === conversation) return event.label
  }
  return undefined
}
