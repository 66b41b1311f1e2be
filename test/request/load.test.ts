import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import {
  ANSWERS,
  type Behavior,
  CONNECTION_RESET,
  LIMITED_ONCE,
  LIMITED_UNTIL,
  REPLIES,
  SEQUENCE,
  SLOW,
  STREAMS_SLOWLY,
  UNAUTHORIZED_ONCE,
} from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { type OpenPool } from './open-pool.ts'
import { createOpened } from './opened.ts'

const HOUR = 3_600_000
const TEN = Array.from({ length: 10 }, (_, index) => `account-${index}`)
const { start, closeAll } = createOpened()

afterEach(closeAll)

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('1,000 parallel requests over 10 accounts (%s)', (_name, createFake) => {
  it.each([0, 8])('are all answered with a cap of %i', { timeout: 60_000 }, async (cap) => {
    const { pool, fake } = await start(createFake({ accounts: TEN }), {
      max_in_flight_per_account: cap,
    })
    const most = countMost(fake, ANSWERS)
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => pool.ask(`conversation-${index}`)),
    )
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(answers.filter(({ text }) => !text.includes('answered by'))).toEqual([])
    expect(new Set(pool.asked())).toEqual(new Set(TEN))
    expect(pool.asked()).toHaveLength(1_000)
    expect(most()).toBeLessThanOrEqual(cap === 0 ? Infinity : cap)
    expect(inFlight(pool)).toEqual(TEN.map(() => 0))
  })
})

describe('1,000 parallel requests through faults', () => {
  it('are all answered, and no slot is lost', { timeout: 60_000 }, async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: TEN }), {
      max_in_flight_per_account: 8,
    })
    const faults: Behavior[] = [
      UNAUTHORIZED_ONCE,
      LIMITED_ONCE(3_600),
      SEQUENCE(CONNECTION_RESET, ANSWERS),
      SEQUENCE(REPLIES(429, '{}', { 'retry-after': '1' }), ANSWERS),
    ]
    for (const [index, fault] of faults.entries()) fake.account(`account-${index}`).behave(fault)
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => pool.ask(`conversation-${index}`)),
    )
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(inFlight(pool)).toEqual(TEN.map(() => 0))
  })
})

describe('a request that finds every account full', () => {
  it('stands in line, is answered in its turn, and says so', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }), {
      max_in_flight_per_account: 1,
    })
    fake.account('a').behave(SLOW(20))
    const names = ['one', 'two', 'three', 'four', 'five']
    await Promise.all(names.map((name) => pool.ask(name)))
    expect(fake.modelRequests().map(({ session }) => session)).toEqual(names)
    const queued = pool.news.filter(({ type }) => type === 'request.queued')
    expect(queued).toEqual(
      ['two', 'three', 'four', 'five'].map((conversation) => ({
        type: 'request.queued',
        conversation,
      })),
    )
  })

  it('gets the next slot of its home before one that came first', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a', 'b'] }), {
      max_in_flight_per_account: 1,
    })
    const gates = { a: createGate(), b: createGate() }
    fake.account('a').behave(gates.a.behavior)
    fake.account('b').behave(gates.b.behavior)
    const first = [pool.ask('at-a'), pool.ask('at-b')]
    await expect.poll(() => new Set(pool.asked())).toEqual(new Set(['a', 'b']))
    const rest = [pool.ask('stranger'), pool.ask('at-b')]
    await expect.poll(() => countNews(pool, 'request.queued')).toBe(2)
    gates.b.open()
    await expect.poll(() => pool.asked()).toHaveLength(3)
    expect(fake.modelRequests().at(-1)).toMatchObject({ account: 'b', session: 'at-b' })
    gates.b.open()
    gates.a.open()
    await expect.poll(() => pool.asked()).toHaveLength(4)
    for (const gate of [gates.a, gates.b]) gate.openForGood()
    const answers = await Promise.all([...first, ...rest])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  })

  it('is rejected at once by an abort, and leaves no trace', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }), {
      max_in_flight_per_account: 1,
    })
    const gate = createGate()
    fake.account('a').behave(gate.behavior)
    const first = pool.ask('one')
    await expect.poll(() => pool.asked()).toEqual(['a'])
    const stop = new AbortController()
    const reason = { because: 'the person pressed escape' }
    const aborted = pool.ask('two', { signal: stop.signal }).catch((error: unknown) => error)
    const third = pool.ask('three')
    await expect.poll(() => countNews(pool, 'request.queued')).toBe(2)
    const since = performance.now()
    stop.abort(reason)
    expect(await aborted).toBe(reason)
    expect(performance.now() - since).toBeLessThan(50)
    gate.openForGood()
    expect((await third).status).toBe(200)
    expect((await first).status).toBe(200)
    expect(fake.modelRequests().map(({ session }) => session)).toEqual(['one', 'three'])
    expect(inFlight(pool)).toEqual([0])
  })

  it('hands its slot on when it is aborted in the moment in which it gets it', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }), {
      max_in_flight_per_account: 1,
      max_wait_ms: 5_000,
    })
    const [url, init] = pool.request('one')
    const first = await pool.fetch(url, init)
    const stop = new AbortController()
    const aborted = pool.ask('two', { signal: stop.signal }).catch((error: unknown) => error)
    const third = pool.ask('three')
    await expect.poll(() => countNews(pool, 'request.queued')).toBe(2)
    const cancelled = first.body?.cancel()
    stop.abort('just now')
    await cancelled
    expect(await aborted).toBe('just now')
    expect((await third).status).toBe(200)
    expect(fake.modelRequests().map(({ session }) => session)).toEqual(['one', 'three'])
  })

  it('is told after max_wait_ms that the accounts are busy, not limited', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a', 'b', 'c'] }), {
      max_in_flight_per_account: 1,
      max_wait_ms: 100,
    })
    const gate = createGate()
    for (const name of ['a', 'b']) fake.account(name).behave(gate.behavior)
    fake.account('c').behave(LIMITED_UNTIL(Date.now() + HOUR))
    const held = [pool.ask('one'), pool.ask('two')]
    await expect.poll(() => pool.asked()).toHaveLength(2)
    const since = performance.now()
    const late = await pool.ask('three')
    expect(performance.now() - since).toBeGreaterThanOrEqual(99)
    expect(performance.now() - since).toBeLessThan(1_000)
    expect(late.status).toBe(429)
    expect(late.text).toContain(
      '2 of 3 Anthropic accounts are busy with 1 request each (max_in_flight_per_account), and the rest cannot serve now',
    )
    expect(late.text).not.toContain('limited.')
    expect(Number(late.headers.get('retry-after'))).toBeLessThanOrEqual(5)
    gate.openForGood()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200])
  })

  it('is told at once where requests may not wait', async () => {
    const { pool, fake } = await start(createFakeOpenAI({ accounts: ['a'] }), {
      max_in_flight_per_account: 1,
      max_wait_ms: 0,
    })
    const gate = createGate()
    fake.account('a').behave(gate.behavior)
    const held = pool.ask('one')
    await expect.poll(() => pool.asked()).toHaveLength(1)
    const late = await pool.ask('two')
    expect([late.status, late.text]).toEqual([
      429,
      expect.stringContaining('The only OpenAI account is busy with 1 request each'),
    ])
    gate.openForGood()
    expect((await held).status).toBe(200)
  })

  it('hears that all are limited when that is what became of them', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }), {
      max_in_flight_per_account: 1,
    })
    const gate = createGate(() => ({
      kind: 'limited',
      until: Date.now() + HOUR,
      window: 'session',
    }))
    fake.account('a').behave(gate.behavior)
    const asking = ['one', 'two', 'three'].map((name) => pool.ask(name))
    await expect.poll(() => countNews(pool, 'request.queued')).toBe(2)
    gate.openForGood()
    for (const answer of await Promise.all(asking)) {
      expect(answer.status).toBe(429)
      expect(answer.text).toContain('The only Anthropic account is limited. First back: a')
    }
    expect(pool.asked()).toEqual(['a'])
  })

  it('is answered when the pool is closed', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }), {
      max_in_flight_per_account: 1,
    })
    const gate = createGate()
    fake.account('a').behave(gate.behavior)
    const first = pool.ask('one')
    const second = pool.ask('two')
    await expect.poll(() => countNews(pool, 'request.queued')).toBe(1)
    await pool.dispose()
    expect((await second).status).toBe(429)
    gate.openForGood()
    expect((await first).status).toBe(200)
  })
})

describe('a slot is free again', () => {
  it('when the answer is cancelled, given up unread, or never comes', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }), {
      max_in_flight_per_account: 1,
      max_wait_ms: 5_000,
    })
    fake.account('a').behave(STREAMS_SLOWLY('a long answer that nobody reads', 2_000))
    const [url, init] = pool.request('cancelled')
    const cancelled = await pool.fetch(url, init)
    expect(inFlight(pool)).toEqual([1])
    await cancelled.body?.cancel()
    expect(inFlight(pool)).toEqual([0])

    const stop = new AbortController()
    const unread = await pool.fetch(url, { ...init, signal: stop.signal })
    expect(unread.status).toBe(200)
    stop.abort('no longer wanted')
    expect(inFlight(pool)).toEqual([0])

    fake.account('a').behave(CONNECTION_RESET)
    await expect(pool.ask('never')).rejects.toMatchObject({ code: 'network' })
    expect(inFlight(pool)).toEqual([0])

    fake.account('a').behave(ANSWERS)
    expect((await pool.ask('after')).status).toBe(200)
    expect(inFlight(pool)).toEqual([0])
  })
})

describe('a subagent', () => {
  it.each(['sticky', 'hybrid', 'drain'])(
    'stays with its parent while there is room, and goes to the least busy then (%s)',
    async (strategy) => {
      const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a', 'b', 'c'] }), {
        max_in_flight_per_account: 2,
        account_selection_strategy: strategy,
      })
      const gate = createGate()
      await pool.ask('parent')
      const home = pool.asked()[0] ?? ''
      for (const account of fake.accounts()) account.behave(gate.behavior)
      const children = ['1', '2', '3', '4'].map((name) => pool.ask(name, { parent: 'parent' }))
      await expect.poll(() => pool.asked()).toHaveLength(5)
      expect(
        pool
          .asked()
          .slice(1)
          .filter((name) => name === home),
      ).toHaveLength(2)
      expect(new Set(pool.asked())).toEqual(new Set(['a', 'b', 'c']))
      expect(reasons(pool).slice(1)).toEqual(['parent', 'parent', 'parent-full', 'parent-full'])
      gate.openForGood()
      expect((await Promise.all(children)).map(({ status }) => status)).toEqual([
        200, 200, 200, 200,
      ])
    },
  )

  it('always stays with its parent where there is no cap', async () => {
    const { pool } = await start(createFakeAnthropic({ accounts: ['a', 'b', 'c'] }))
    await pool.ask('parent')
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => pool.ask(`${at}`, { parent: 'parent' })),
    )
    expect(new Set(pool.asked())).toEqual(new Set(['a']))
  })
})

describe('a conversation whose home is full', () => {
  it('is served by another account, and comes home when there is room', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a', 'b'] }), {
      max_in_flight_per_account: 1,
    })
    const gate = createGate()
    await pool.ask('one')
    fake.account('a').behave(gate.behavior)
    const held = pool.ask('one')
    await expect.poll(() => pool.asked()).toHaveLength(2)
    expect((await pool.ask('one')).text).toContain('answered by b')
    expect(reasons(pool).at(-1)).toBe('home-full')
    gate.openForGood()
    await held
    expect((await pool.ask('one')).text).toContain('answered by a')
  })
})

/** Holds every request until it is opened: once for one of them, or for all. */
function createGate(then: Behavior = ANSWERS) {
  const held: (() => void)[] = []
  let isOpen = false
  const behavior: Behavior = async (turn) => {
    if (!isOpen) await new Promise<void>((resolve) => held.push(resolve))
    return then(turn)
  }
  return {
    behavior,
    open: () => held.shift()?.(),
    openForGood() {
      isOpen = true
      for (const release of held.splice(0)) release()
    },
  }
}

/** How many requests one account had at the same time, at most. */
function countMost(fake: Fake, then: Behavior): () => number {
  let most = 0
  for (const account of fake.accounts()) {
    let now = 0
    account.behave(async (turn) => {
      most = Math.max(most, ++now)
      await turn.pause(5)
      now--
      return then(turn)
    })
  }
  return () => most
}

function inFlight(pool: OpenPool): number[] {
  return pool.status().accounts.map((account) => account.inFlight)
}

function countNews(pool: OpenPool, type: string): number {
  return pool.news.filter((news) => news.type === type).length
}

function reasons(pool: OpenPool): string[] {
  return pool.news.flatMap((news) => (news.type === 'request.assigned' ? [news.reason] : []))
}
