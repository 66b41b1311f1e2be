import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { assemble } from '../../src/assemble.ts'
import { parseSettings } from '../../src/config/settings.ts'
import { providers } from '../../src/provider/providers.ts'
import { parseDocument } from '../../src/store/document.ts'
import { type MemoryPlace, createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { createMemoryClaims, createMemoryClaimsPlace } from '../../src/store/memory-claims.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import type { World } from '../../src/world.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ANSWERS, LIMITED_UNTIL, LIMITED_WITHOUT_REASON } from '../fake/behaviors.ts'
import { jsonAnswer } from '../fake/dialect.ts'
import type { Fake, FakeOptions } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { TELLS_USAGE, type UsageBehavior } from '../fake/usage-endpoint.ts'
import { openPool } from '../request/open-pool.ts'
import { createMovedWorld } from './moved-world.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const opened: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close()
})

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('the usage of accounts (%s)', (_name, createFake) => {
  it('is asked of nobody while no request is made', async () => {
    const { fake, time } = await start(createFake)
    await time.pass(HOUR)
    expect(fake.usageRequests()).toEqual([])
    expect(time.timers()).toBeLessThanOrEqual(1)
  })

  it('is not asked of an API key, which has no such windows', async () => {
    const accounts = ['a', { name: 'b', isKey: true } as const, 'c']
    const { fake, time, ask } = await start(createFake, { fakeOptions: { accounts } })
    await ask()
    await time.pass(2 * MINUTE)
    expect(fake.usageRequests().map(({ account, status }) => [account, status])).toEqual([
      ['c', 200],
    ])
  })

  it('is asked of one account after the other, and not where the headers have just told it', async () => {
    const { fake, time, ask, usageTimes } = await start(createFake)
    await ask()
    await time.pass(2 * MINUTE)
    expect(fake.usageRequests().map(({ account }) => account)).toEqual(['b', 'c'])
    const [b = 0, c = 0] = usageTimes()
    expect(c - b).toBeGreaterThanOrEqual(15 * SECOND)
  })

  it('is asked of each account every five minutes at most, while the process is in use', async () => {
    const { fake, time, ask } = await start(createFake)
    for (let minute = 0; minute < 60; minute += 4) {
      await ask()
      await time.pass(4 * MINUTE)
    }
    const count = (name: string) =>
      fake.usageRequests().filter(({ account }) => account === name).length
    expect(count('a')).toBe(0)
    for (const name of ['b', 'c']) {
      expect(count(name)).toBeGreaterThanOrEqual(9)
      expect(count(name)).toBeLessThanOrEqual(12)
    }
    expect(fake.usageRefusals()).toBe(0)
  })

  it('is asked no more when no request comes any more', async () => {
    const { fake, time, ask } = await start(createFake)
    await ask()
    await time.pass(6 * MINUTE)
    const before = fake.usageRequests().length
    await time.pass(5 * HOUR)
    expect(fake.usageRequests()).toHaveLength(before)
  })

  it('is shown with the resets of its windows and the time of the read', async () => {
    const { fake, time, ask, pool, of } = await start(createFake)
    fake.account('b').use({ session: 42.5, weekly: 7 })
    await ask()
    await time.pass(2 * MINUTE)
    const b = of('b')
    expect(b?.usage).toMatchObject([
      { window: 'session', usedPercent: 42.5 },
      { window: 'weekly', usedPercent: 7 },
    ])
    expect(b?.usage[0]?.resetsAt).toBeGreaterThan(Date.now() + 4 * HOUR)
    expect(b?.usageReadAt).toBeGreaterThan(time.now() - 2 * MINUTE)
    expect(of('a')?.usageReadAt).toBeGreaterThan(0)
    expect(pool.status().accounts.map(({ state }) => state)).toEqual(['active', 'active', 'active'])
  })

  it('renews no token: an account whose token has ended is not asked', async () => {
    const { fake, time, ask } = await start(createFake, {
      change: (account) => (account['label'] === 'b' ? { expiresAt: Date.now() - 1 } : {}),
    })
    await ask()
    await time.pass(4 * MINUTE)
    expect(fake.usageRequests().map(({ account }) => account)).toEqual(['c'])
    expect(fake.exchanges).toEqual([])
  })

  it('is not asked of an account that is switched off or that the provider limited by name', async () => {
    const { fake, time, ask } = await start(createFake, {
      change: (account) => (account['label'] === 'c' ? { enabled: false } : {}),
    })
    fake.account('a').behave(LIMITED_UNTIL(Date.now() + HOUR))
    for (let minute = 0; minute < 20; minute += 4) {
      await ask()
      await time.pass(4 * MINUTE)
    }
    expect(fake.modelRequests()).toHaveLength(6)
    expect(fake.usageRequests()).toEqual([])
  })

  it('is written once per read, and known to the next process before it asks', async () => {
    const first = await start(createFake)
    const { fake, place } = first
    fake.account('b').use({ session: 91 })
    await first.ask()
    const rev = place.document.rev
    await first.time.pass(2 * MINUTE)
    expect(place.document.rev).toBe(rev + fake.usageRequests().length)
    const [, stored] = place.document.accounts
    expect(stored?.cachedUsage).toMatchObject({
      five_hour: { utilization: 91 },
      seven_day: { utilization: 20 },
      seven_day_sonnet: null,
    })
    expect(stored?.cachedUsageAt).toBeLessThanOrEqual(first.time.now())
    await first.pool.dispose()
    const next = await start(createFake, { fake, place })
    expect(next.of('b')).toMatchObject({
      usage: [{ window: 'session', usedPercent: 91 }, { window: 'weekly' }],
      usageReadAt: stored?.cachedUsageAt,
    })
  })

  it('is not asked again by a process that finds what another one has read', async () => {
    const one = await start(createFake)
    await one.ask()
    await one.time.pass(2 * MINUTE)
    const asked = one.fake.usageRequests().length
    const other = await start(createFake, { fake: one.fake, place: one.place })
    await other.time.pass(2 * MINUTE)
    await other.ask()
    await other.time.pass(2 * MINUTE)
    expect(one.fake.usageRequests()).toHaveLength(asked)
    expect(other.of('b')?.usage).toEqual(one.of('b')?.usage)
  })

  it.each<[string, UsageBehavior]>([
    ['429', () => jsonAnswer(429, {})],
    ['500', () => jsonAnswer(500, {})],
    ['401', () => jsonAnswer(401, { error: { type: 'authentication_error', message: 'no' } })],
    ['403', () => jsonAnswer(403, { error: { type: 'permission_error', message: 'revoked' } })],
    ['no JSON', () => ({ kind: 'answer', status: 200, headers: {}, chunks: ['<html>'] })],
    ['nothing that is known', () => jsonAnswer(200, { surprise: 1 })],
    ['a cut connection', () => ({ kind: 'cut' })],
  ])('changes nothing when the answer is %s, and is asked ever more rarely', async (_what, bad) => {
    const { fake, time, ask, pool, place, news, usageTimes } = await start(createFake, {
      fakeOptions: { accounts: ['a', 'b'] },
    })
    fake.behaveOnUsage(bad)
    await ask()
    const [before, rev] = [pool.status(), place.document.rev]
    for (let minute = 0; minute < 300; minute += 4) {
      await ask()
      await time.pass(4 * MINUTE)
    }
    const gaps = usageTimes().map((at, index, all) => (at - (all[index - 1] ?? at)) / MINUTE)
    const [, first, second, third, fourth] = gaps
    for (const [gap, least] of [
      [first, 10],
      [second, 20],
      [third, 40],
      [fourth, 60],
    ]) {
      expect(gap).toBeGreaterThanOrEqual(least ?? 0)
      expect(gap).toBeLessThanOrEqual((least ?? 0) * 1.2 + 1)
    }
    expect(fake.exchanges).toEqual([])
    expect(place.document.rev).toBe(rev)
    expect(pool.status().accounts[1]).toEqual(before.accounts[1])
    expect(news().filter((type) => type === 'account.changed')).toHaveLength(2)
  })

  it('is asked every five minutes again after the first good answer', async () => {
    const { fake, time, ask, usageTimes } = await start(createFake, {
      fakeOptions: { accounts: ['a', 'b'] },
    })
    fake.behaveOnUsage(() => jsonAnswer(500, {}))
    await ask()
    await time.pass(MINUTE)
    fake.behaveOnUsage(TELLS_USAGE)
    for (let minute = 0; minute < 40; minute += 4) {
      if (fake.usageRequests().length === 2) fake.behaveOnUsage(() => jsonAnswer(500, {}))
      await ask()
      await time.pass(4 * MINUTE)
    }
    const [failed = 0, good = 0, next = 0, last = 0] = usageTimes()
    expect(good - failed).toBeGreaterThanOrEqual(10 * MINUTE)
    expect(next - good).toBeLessThan(8 * MINUTE)
    // A failure after it counts as the first again.
    expect(last - next).toBeGreaterThanOrEqual(10 * MINUTE)
    expect(last - next).toBeLessThan(14 * MINUTE)
  })

  it('shows no token anywhere', async () => {
    const { fake, time, ask, pool, place } = await start(createFake)
    fake.behaveOnUsage((account) => (account === 'b' ? jsonAnswer(500, {}) : 'answers'))
    await ask()
    await time.pass(4 * MINUTE)
    expect(time.said.join()).toContain('The usage of b was not read (HTTP 500)')
    const shown = JSON.stringify([time.said, pool.status(), place.document.accounts[2]])
    for (const canary of fake.canaries()) expect(shown).not.toContain(canary)
  })
})

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('a refusal without a reason (%s)', (_name, createFake) => {
  it('is followed by one usage read, which lifts the guess when no window is used up', async () => {
    const { fake, time, ask, of } = await start(createFake)
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    await ask()
    expect(of('a')).toMatchObject({ state: 'rateLimited', limits: [{ source: 'guess' }] })
    await time.pass(3 * SECOND)
    expect(fake.usageRequests().map(({ account }) => account)).toEqual(['a'])
    expect(of('a')).toMatchObject({ state: 'active', limits: [] })
    // The next one within five minutes stays a guess: nobody is asked again so soon.
    await ask()
    await time.pass(40 * SECOND)
    expect(of('a')).toMatchObject({ state: 'rateLimited', limits: [{ source: 'guess' }] })
    expect(fake.usageRequests().filter(({ account }) => account === 'a')).toHaveLength(1)
  })

  it('becomes a limit until the reset when the usage read finds a window used up', async () => {
    const { fake, time, ask, of } = await start(createFake)
    fake.account('a').use({ weekly: 100 })
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    await ask()
    await time.pass(3 * SECOND)
    const a = of('a')
    expect(a).toMatchObject({
      state: 'rateLimited',
      why: 'its weekly window is used up',
      limits: [{ scope: 'account', window: 'weekly', source: 'usage' }],
    })
    const reset = a?.usage.find(({ window }) => window === 'weekly')?.resetsAt ?? 0
    expect(a?.backAt).toBeGreaterThanOrEqual(reset + SECOND)
    expect(a?.backAt).toBeLessThanOrEqual(reset + 31 * SECOND)
    await ask()
    await time.pass(20 * MINUTE)
    expect(fake.usageRequests().filter(({ account }) => account === 'a')).toHaveLength(1)
  })

  it('stays a guess when the read fails', async () => {
    const { fake, time, ask, of } = await start(createFake)
    fake.behaveOnUsage(() => jsonAnswer(429, {}))
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    await ask()
    const { limits } = of('a') ?? {}
    await time.pass(5 * SECOND)
    expect(of('a')).toMatchObject({ state: 'rateLimited', limits })
  })

  it('needs no read when the refusal itself told the windows', async () => {
    const { fake, time, ask, of } = await start(createFake, {
      settings: { short_retry_after_ms: 0 },
    })
    fake.account('a').behave(() => ({ kind: 'burst', retryAfterSeconds: 1 }))
    await ask()
    expect(of('a')).toMatchObject({ state: 'rateLimited', limits: [{ source: 'guess' }] })
    await time.pass(5 * SECOND)
    expect(fake.usageRequests()).toEqual([])
  })
})

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('usage that a person asks for (%s)', (_name, createFake) => {
  const { signal } = new AbortController()

  it('lifts a guess, for another process too', async () => {
    const one = await start(createFake)
    const { fake, place } = one
    fake.behaveOnUsage(() => jsonAnswer(500, {}))
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    await one.ask()
    await one.time.pass(3 * SECOND)
    const other = await start(createFake, { fake, place })
    const states = () => [one.of('a')?.state, other.of('a')?.state]
    expect(states()).toEqual(['rateLimited', 'rateLimited'])
    for (const { time } of [one, other]) await time.pass(2 * MINUTE)
    fake.behaveOnUsage(TELLS_USAGE)
    expect(await one.readUsage('a')).toEqual({ kind: 'read' })
    expect(place.document.accounts[0]).toMatchObject({
      limits: [],
      rateLimitResetAt: undefined,
      cachedUsage: { five_hour: { utilization: 10 } },
    })
    await other.pool.upToDate()
    expect(states()).toEqual(['active', 'active'])
    expect(other.of('a')?.usage[0]?.usedPercent).toBe(10)
  })

  it('makes a guess the limit that it finds', async () => {
    const { fake, time, ask, of, readUsage } = await start(createFake)
    fake.account('a').use({ weekly: 100 })
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    await ask()
    await time.pass(100)
    expect(await readUsage('a')).toEqual({ kind: 'read' })
    expect(of('a')).toMatchObject({ limits: [{ window: 'weekly', source: 'usage' }] })
    await time.pass(MINUTE)
    expect(fake.usageRequests().filter(({ account }) => account === 'a')).toHaveLength(1)
  })

  it.each([
    ['has ended', () => ({ expiresAt: Date.now() - 1 })],
    ['is refused before its end', () => ({ expiresAt: Date.now() + 90 * HOUR })],
  ])('renews a token that %s', async (_what, change) => {
    const { fake, of, readUsage } = await start(createFake, { change })
    fake.account('b').expire()
    expect(await readUsage('b')).toEqual({ kind: 'read' })
    expect(fake.exchanges.map(({ account }) => account)).toEqual(['b'])
    expect(of('b')?.usage).not.toEqual([])
  })

  it('says why it is not known', async () => {
    const accounts = ['a', { name: 'b', isKey: true } as const, 'c']
    const { fake, pool, readUsage } = await start(createFake, {
      fakeOptions: { accounts },
      change: ({ label }) =>
        label === 'c' ? { isAuthDisabled: true, disabledReason: 'revoked' } : {},
    })
    expect(await readUsage('b')).toEqual({
      kind: 'unread',
      why: 'an API key is paid by the request and has no windows',
    })
    expect(await readUsage('c')).toEqual({ kind: 'unread', why: 'it needs a new login' })
    fake.behaveOnUsage(() => jsonAnswer(503, {}))
    expect(await readUsage('a')).toEqual({ kind: 'unread', why: 'HTTP 503' })
    fake.behaveOnUsage(TELLS_USAGE)
    expect(await readUsage('a')).toEqual({ kind: 'unread', why: 'it was asked too often just now' })
    expect(await pool.readUsage('nobody', signal)).toEqual({
      kind: 'unread',
      why: 'it is not there any more',
    })
    expect(fake.usageRequests()).toHaveLength(2)
  })
})

describe('a usage read in a real process', () => {
  it('lifts a guess after a second or two, and stands in the accounts file', async () => {
    const fake = await createFakeAnthropic({ accounts: ['a', 'b'] })
    const pool = await openPool(fake)
    opened.push(fake.close, pool.close)
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    expect((await pool.ask()).text).toContain('answered by b')
    expect(pool.stateOf('a')).toBe('rateLimited')
    await expect.poll(() => pool.stateOf('a'), { timeout: 5_000 }).toBe('active')
    await pool.dispose()
    expect(JSON.parse(await readFile(pool.file, 'utf8'))).toMatchObject({
      accounts: [
        { label: 'a', cachedUsage: { five_hour: { utilization: 10 } }, strikes: 1 },
        { label: 'b' },
      ],
    })
    expect(fake.usageRequests()).toHaveLength(1)
  })
})

describe('a usage read', () => {
  it('that cannot be written down still counts, and nobody is alarmed', async () => {
    const { time, ask, of, store } = await start(createFakeAnthropic)
    await ask()
    store.update = async () => ({
      ok: false,
      problem: { code: 'unwritable', message: 'the disk is full' },
    })
    await time.pass(2 * MINUTE)
    expect(of('b')?.usageReadAt).toBeGreaterThan(0)
    expect(time.said.join()).not.toContain('the disk is full')
  })

  it('teaches the plan of a ChatGPT account', async () => {
    const { time, ask, of } = await start(createFakeOpenAI, {
      change: () => ({ planTier: 'free' }),
    })
    expect(of('b')?.plan).toBe('Free')
    await ask()
    await time.pass(MINUTE)
    expect(of('b')?.plan).toBe('ChatGPT Plus')
  })

  it('does not lift a guess while the provider says that the account is not served', async () => {
    const { fake, time, ask, of } = await start(createFakeOpenAI)
    const window = { used_percent: 3, limit_window_seconds: 18_000, reset_after_seconds: 60 }
    const rate_limit = { allowed: false, limit_reached: true, primary_window: window }
    fake.behaveOnUsage(() => jsonAnswer(200, { rate_limit }))
    fake.account('a').behave(LIMITED_WITHOUT_REASON)
    await ask()
    await time.pass(5 * SECOND)
    expect(of('a')).toMatchObject({ state: 'rateLimited', limits: [{ source: 'guess' }] })
  })

  it('sends new conversations elsewhere above the soft quota', async () => {
    const { fake, time, ask } = await start(createFakeAnthropic, {
      settings: { soft_quota_threshold_percent: 80 },
    })
    fake.account('a').behave(ANSWERS)
    await ask('one')
    fake.account('a').use({ weekly: 81 })
    fake.account('b').use({ weekly: 82 })
    await time.pass(2 * MINUTE)
    await ask('one')
    await ask('two')
    await ask('one')
    expect(fake.modelRequests().map(({ account }) => account)).toEqual(['a', 'a', 'c', 'a'])
  })

  it('that is never answered ends after ten seconds, and others are asked', async () => {
    const { time, ask, usageTimes } = await start(createFakeAnthropic, { fetching: HANGS_ON_USAGE })
    await ask()
    await time.pass(90 * SECOND)
    expect(usageTimes().length).toBeGreaterThanOrEqual(2)
    expect(time.said.join()).toContain('was not read')
  })

  it('ends with the pool, which leaves no timer behind', async () => {
    const { time, ask, pool, usageTimes } = await start(createFakeAnthropic, {
      fetching: HANGS_ON_USAGE,
    })
    await ask()
    await time.pass(30 * SECOND)
    expect(usageTimes()).toHaveLength(1)
    await pool.dispose()
    expect(time.timers()).toBe(0)
    await time.pass(HOUR)
    expect(usageTimes()).toHaveLength(1)
  })
})

/** Answers requests for the model; a question for usage waits for ever, whatever its signal says. */
const HANGS_ON_USAGE: World['fetch'] = (url, init) =>
  url.includes('usage') ? new Promise(() => {}) : fetch(url, init)

interface StartOptions {
  readonly fake?: Fake
  readonly fakeOptions?: FakeOptions
  readonly place?: MemoryPlace
  readonly settings?: Readonly<Record<string, unknown>>
  /** Changes an account of the file. */
  readonly change?: (account: Readonly<Record<string, unknown>>) => object
  readonly fetching?: World['fetch']
}

async function start(
  createFake: (options: FakeOptions) => Promise<Fake>,
  options: StartOptions = {},
) {
  const time = createMovedWorld(options.fetching)
  const fake =
    options.fake ??
    (await createFake({
      accounts: ['a', 'b', 'c'],
      tokenLifetimeMs: 100 * HOUR,
      now: time.now,
      ...options.fakeOptions,
    }))
  if (options.fake === undefined) opened.push(fake.close)
  const place = options.place ?? createMemoryPlace(documentOf(fake, options.change))
  const { settings } = parseSettings([
    {
      name: 'test',
      fields: { endpoints: fake.endpoints, proactive_refresh: false, ...options.settings },
    },
  ])
  const store = createMemoryStore(place)
  const {
    pool,
    fetch: send,
    ready,
  } = assemble({
    provider: providers[fake.id],
    store,
    journal: createMemoryJournal(),
    claims: createMemoryClaims(createMemoryClaimsPlace(), time.now),
    world: time.world,
    settings: () => ({ ...settings, cross_process_claims: false }),
  })
  opened.push(() => pool.dispose())
  const seen: string[] = []
  pool.subscribe(({ type }) => seen.push(type))
  await ready
  const of = (label: string) => pool.status().accounts.find((account) => account.label === label)
  return {
    fake,
    time,
    pool,
    place,
    store,
    news: () => seen,
    of,
    readUsage: (label: string) =>
      pool.readUsage(of(label)?.id ?? label, new AbortController().signal),
    usageTimes: () =>
      time.asked.filter(({ url }) => url === fake.endpoints.usage).map(({ at }) => at),
    async ask(conversation = 'conversation-1'): Promise<void> {
      const response = await send(
        `${fake.origin}/v1/${fake.id === 'openai' ? 'responses' : 'messages'}`,
        {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'anthropic-version': '2023-06-01',
            'x-session-id': conversation,
          },
          body: JSON.stringify({
            model: fake.id === 'openai' ? 'gpt-5.1-codex' : 'claude-sonnet-4-5',
            max_tokens: 8,
            messages: [{ role: 'user', content: 'hello' }],
            instructions: 'be brief',
            input: [{ role: 'user', content: 'hello' }],
            store: false,
          }),
        },
      )
      await response.text()
      expect(response.status).toBe(200)
    },
  }
}

function documentOf(fake: Fake, change: StartOptions['change'] = () => ({})) {
  const seed = fake.seed()
  const accounts = seed.accounts.map((account) => ({ ...account, ...change({ ...account }) }))
  const parsed = parseDocument(JSON.stringify({ ...seed, accounts }))
  if (!parsed.ok) throw new Error('the seed is no accounts file')
  return parsed.document
}
