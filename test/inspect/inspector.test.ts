import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL, SLOW } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { hangOn, isListening, sendRaw } from '../login/raw.ts'
import { type OpenPool, openPool } from '../request/open-pool.ts'
import { pictureOf, soon, watchStream } from './stream.ts'

const HOUR = 3_600_000

describe('the inspector of a pool', () => {
  let fake: Fake
  let pool: OpenPool
  let url: URL

  beforeEach(async () => {
    fake = await createFakeAnthropic({ accounts: ['acc1', 'acc2'] })
    pool = await openPool(fake, {}, { inspect: true })
    url = new URL((await pool.inspector) ?? '')
  })

  afterEach(async () => {
    await pool.close()
    await fake.close()
  })

  const at = (route: string) => new URL(route, url).href

  it('shows the accounts at once, and a limit', async () => {
    const stream = await watchStream(at('events'))
    await soon(() =>
      expect(pictureOf(stream)).toMatchObject({
        pid: process.pid,
        pools: [
          {
            provider: 'anthropic',
            problem: '',
            accounts: [
              {
                label: 'acc1',
                state: 'active',
                since: 0,
                states: ['account.availability.active', 'account.token.idle'],
              },
              { label: 'acc2', state: 'active' },
            ],
            processes: [{ pid: process.pid, isThis: true, accounts: [] }],
          },
        ],
      }),
    )
    const until = Date.now() + 2 * HOUR
    fake.account('acc1').behave(LIMITED_UNTIL(until))
    const before = Date.now()
    await pool.ask('talk')
    await soon(() => expect(pictureOf(stream).pools[0]?.accounts[0]?.state).toBe('rateLimited'))
    const [shown] = pictureOf(stream).pools
    expect(shown?.accounts[0]?.states).toContain('account.availability.rateLimited')
    expect(shown?.accounts[0]?.since).toBeGreaterThanOrEqual(before)
    expect(shown?.accounts[0]?.lastError?.words).toBe('its 5-hour window is used up (429)')
    const clock = /5-hour window of acc1 is used up until (?:\w+, \w+ \w+, )?\d\d:\d\d$/
    expect(shown?.timeline).toMatchObject([
      { kind: 'moved', words: expect.stringMatching(clock), conversation: 'talk' },
      {
        kind: 'refused',
        label: 'acc1',
        words: 'did not serve (429): its 5-hour window is used up',
      },
      { kind: 'changed', words: expect.stringMatching(/^limited: its 5-hour .* until .*\d$/) },
      { kind: 'assigned', label: 'acc1', words: expect.stringMatching(/^chosen: /) },
    ])
    await pool.ask('talk')
    await soon(() =>
      expect(pictureOf(stream).pools[0]?.timeline[0]).toMatchObject({
        kind: 'assigned',
        words: expect.stringMatching(/^(kept|chosen): /),
      }),
    )
    expect(pictureOf(stream).pools[0]?.processes[0]?.accounts).toContainEqual({
      account: shown?.accounts[1]?.id,
      inFlight: 0,
    })
  })

  it('sends at most ten pictures a second', async () => {
    const stream = await watchStream(at('events'))
    await soon(() => expect(stream.events()).toHaveLength(1))
    const started = performance.now()
    for (let times = 0; times < 60; times++) await pool.ask(`talk-${times}`)
    await soon(() => expect(pictureOf(stream).pools[0]?.timeline[0]?.conversation).toBe('talk-59'))
    const seconds = (performance.now() - started) / 1_000
    expect(stream.events().length).toBeLessThanOrEqual(2 + 10 * seconds)
  })

  it('shows what changes without news, and sends nothing when nothing changes', async () => {
    const stream = await watchStream(at('events'))
    await soon(() => expect(stream.events()).toHaveLength(1))
    const inFlight = () => pictureOf(stream).pools[0]?.accounts[0]?.inFlight
    fake.account('acc1').behave(SLOW(1_500))
    const asking = pool.ask()
    await soon(() => expect(inFlight()).toBe(1))
    await asking
    await soon(() => expect(inFlight()).toBe(0))
    const events = stream.events().map((text) => text.replace(/"now":\d+/, ''))
    expect(new Set(events).size).toBe(events.length)
  })

  it('shows the other processes that use these accounts, and nothing of other pools', async () => {
    const stream = await watchStream(at('events'))
    const { accounts } = pool.status()
    const lease = { pid: process.ppid, at: Date.now(), inFlight: 2 }
    const [first, second] = accounts.map(({ id }) => id)
    const claims = [first, second, 'of another pool'].map((id) => [
      id,
      { ...lease, leases: [{ ...lease, host: 'elsewhere' }] },
    ])
    const file = join(pool.folder, 'multiauth-claims.json')
    await writeFile(file, JSON.stringify(Object.fromEntries(claims)), { mode: 0o600 })
    const processes = () => pictureOf(stream).pools[0]?.processes
    await vi.waitFor(
      () =>
        expect(processes()).toEqual([
          { pid: process.pid, isThis: true, accounts: [] },
          {
            pid: process.ppid,
            isThis: false,
            accounts: [
              { account: first, inFlight: 2 },
              { account: second, inFlight: 2 },
            ],
          },
        ]),
      { timeout: 5_000 },
    )
    await writeFile(file, '{}')
    await vi.waitFor(() => expect(processes()).toHaveLength(1), { timeout: 5_000 })
  })

  it('tells who comes late which machines there are, and then what happens', async () => {
    await pool.ask()
    const stream = await watchStream(at('inspect'))
    await soon(() =>
      expect(stream.events().filter((text) => text.includes('"@xstate.actor"'))).toHaveLength(4),
    )
    const names = stream.events().map((text): string => JSON.parse(text).name)
    expect(names.filter((name) => name !== undefined)).toEqual([
      'pool',
      expect.stringMatching(/^account:/),
      expect.stringMatching(/^account:/),
      'claims',
    ])
    fake.account('acc1').behave(LIMITED_UNTIL(Date.now() + HOUR))
    await pool.ask()
    await soon(() => expect(stream.text()).toContain('request.limited'))
  })

  it('says nothing to who does not hold the address', async () => {
    const { port, pathname: path } = url
    const host = `127.0.0.1:${port}`
    const raw = (line: string, ...headers: readonly string[]) =>
      sendRaw(Number(port), [line, ...headers, '', ''].join('\r\n'))
    const answers = [
      await raw(`GET / HTTP/1.1`, `Host: ${host}`),
      await raw(`GET /${'0'.repeat(64)}/events HTTP/1.1`, `Host: ${host}`),
      await raw(`GET ${path} HTTP/1.1`, 'Host: evil.example'),
      await raw(`GET ${path}events HTTP/1.1`, `Host: ${host}`, 'Origin: https://evil.example'),
      await raw(`GET ${path}events HTTP/1.1`, `Host: ${host}`, 'Sec-Fetch-Site: cross-site'),
      await raw(`OPTIONS ${path}events HTTP/1.1`, `Host: ${host}`),
      await raw(`POST ${path} HTTP/1.1`, `Host: ${host}`),
      await raw(`POST ${path} HTTP/1.1`, `Host: ${host}`, 'Content-Length: 2'),
      await raw(`GET ${path} HTTP/1.1`, `Host: ${host}`, 'no header'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([
      404, 404, 403, 403, 403, 405, 405, 400, 400,
    ])
    for (const { text, isClosed } of answers) {
      expect(isClosed).toBe(true)
      expect(text).toMatch(/\r\n\r\n$/)
      expect(text.toLowerCase()).not.toContain('access-control')
    }
  })

  it('lets no other site read, frame or keep what it serves', async () => {
    for (const route of ['', 'stately', 'events']) {
      const response = await fetch(at(route))
      const policy = response.headers.get('content-security-policy')
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      })
      expect(response.headers.get('access-control-allow-origin')).toBe(null)
      await response.body?.cancel()
    }
    const stately = (await fetch(at('stately'))).headers.get('content-security-policy')
    expect(stately?.match(/https?:\S+/g)).toEqual(['https://stately.ai'])
    expect((await fetch(at(''))).headers.get('content-security-policy')).not.toContain('http')
  })

  it('serves a bounded number of streams', async () => {
    const streams = await Promise.all(Array.from({ length: 16 }, () => watchStream(at('events'))))
    expect((await fetch(at('events'))).status).toBe(503)
    streams[0]?.close()
    await soon(async () => {
      const { status, body } = await fetch(at('events'))
      await body?.cancel()
      expect(status).toBe(200)
    })
  })

  it('keeps nobody out for those who hang', async () => {
    const stream = await watchStream(at('events'))
    const hanging = await Promise.all(
      Array.from({ length: 100 }, () => hangOn(Number(url.port), 'GET / HT')),
    )
    expect((await fetch(at(''))).status).toBe(200)
    expect(stream.hasEnded()).toBe(false)
    for (const socket of hanging) socket.destroy()
  })

  it('is one for all pools of the process, and gone with the last of them', async () => {
    const other = await createFakeOpenAI({ accounts: ['solo'] })
    const stream = await watchStream(at('events'))
    const messages = await watchStream(at('inspect'))
    const second = await openPool(other, {}, { inspect: true })
    expect(await second.inspector).toBe(url.href)
    const [solo] = second.status().accounts
    await soon(() => expect(messages.text()).toContain(`"name":"account:${solo?.id}"`))
    await soon(() =>
      expect(pictureOf(stream).pools.map(({ provider }) => provider)).toEqual([
        'anthropic',
        'openai',
      ]),
    )
    await second.close()
    await other.close()
    await soon(() => expect(pictureOf(stream).pools).toHaveLength(1))
    expect(messages.hasEnded()).toBe(false)
    await pool.dispose()
    expect(await isListening(Number(url.port), '127.0.0.1')).toBe(false)
    await soon(() => expect([stream.hasEnded(), messages.hasEnded()]).toEqual([true, true]))
  })

  it('listens on 127.0.0.1 and nowhere else', async () => {
    const others = ['::1', '127.0.0.2']
    const found = await Promise.all(others.map((host) => isListening(Number(url.port), host)))
    expect(found).toEqual([false, false])
  })
})

describe('the inspector', () => {
  it('is off unless asked for', async () => {
    const fake = await createFakeAnthropic({ accounts: ['a'] })
    const pool = await openPool(fake)
    expect(await pool.inspector).toBe(undefined)
    await pool.close()
    await fake.close()
  })

  it('comes by the configuration, too', async () => {
    const fake = await createFakeAnthropic({ accounts: ['a'] })
    const pool = await openPool(fake, { inspect: true })
    expect(await pool.inspector).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}\/$/)
    await pool.close()
    await fake.close()
  })
})
