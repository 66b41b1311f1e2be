import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from './anthropic.ts'
import {
  ALWAYS_ANSWERS,
  BURST,
  CALLS_TOOL,
  CONNECTION_RESET,
  CUT_AFTER,
  FAILS_IN_STREAM,
  LIMITED_UNTIL,
  OVERLOADED,
  REVOKED,
  SEQUENCE,
  UNAUTHORIZED_ONCE,
} from './behaviors.ts'
import type { Fake } from './fake.ts'

const MODEL = 'claude-sonnet-4-5'
const PREFIX = 'anthropic-ratelimit-unified-'

let fake: Fake
beforeEach(async () => {
  fake = await createFakeAnthropic({ accounts: ['a', 'b'] })
})
afterEach(() => fake.close())

describe('the fake of Anthropic', () => {
  it('streams the answer of the account whose token is sent, with its limit headers', async () => {
    const response = await ask('b', { stream: true })
    expect(response.status).toBe(200)
    expect(response.headers.get(`${PREFIX}status`)).toBe('allowed')
    expect(response.headers.get(`${PREFIX}5h-utilization`)).toBe('0.1')
    const events = [...(await response.text()).matchAll(/^event: (.+)$/gm)].map(([, name]) => name)
    expect([...new Set(events)]).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })

  it('answers in one JSON message when no stream is asked for', async () => {
    expect(await (await ask('a')).json()).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'answered by a' }],
      stop_reason: 'end_turn',
    })
  })

  it('refuses a token it does not know', async () => {
    const response = await ask('a', {}, { authorization: 'Bearer nobody' })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { type: 'authentication_error' } })
  })

  it.each([
    ['an API key', { 'x-api-key': 'k' }],
    ['a missing beta', { 'anthropic-beta': 'interleaved-thinking-2025-05-14' }],
    ['a beta sent twice', { 'anthropic-beta': 'oauth-2025-04-20,oauth-2025-04-20' }],
    ['a body that is not JSON', { 'content-type': 'text/plain' }],
  ])('refuses %s', async (_name, headers) => {
    expect((await ask('a', {}, headers)).status).toBe(400)
  })

  it('refuses while a window is used up, and says until when everywhere', async () => {
    const until = Date.now() + 3_600_000
    fake.account('a').behave(LIMITED_UNTIL(until, { window: 'weekly' }))
    const response = await ask('a')
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeCloseTo(3_600, -1)
    expect(response.headers.get(`${PREFIX}status`)).toBe('rejected')
    expect(response.headers.get(`${PREFIX}5h-status`)).toBe('allowed')
    expect(response.headers.get(`${PREFIX}7d-status`)).toBe('rejected')
    expect(response.headers.get(`${PREFIX}7d-reset`)).toBe(String(Math.ceil(until / 1_000)))
    expect(await (await read('/api/oauth/usage')).json()).toMatchObject({
      seven_day: { utilization: 100, resets_at: new Date(until).toISOString() },
    })
  })

  it('refuses to tell the usage twice within a minute', async () => {
    const first = await read('/api/oauth/usage')
    const second = await read('/api/oauth/usage')
    expect([first.status, second.status, fake.usageRefusals()]).toEqual([200, 429, 1])
  })

  it('answers again when the limit is over', async () => {
    fake.account('a').behave(LIMITED_UNTIL(Date.now() - 1))
    expect((await ask('a')).status).toBe(200)
  })

  it('does one thing after the other in a sequence', async () => {
    const steps = [BURST, UNAUTHORIZED_ONCE, REVOKED, OVERLOADED(2)] as const
    fake.account('a').behave(SEQUENCE(...steps))
    const seen: number[] = []
    for (let count = 0; count < 6; count++) seen.push((await ask('a')).status)
    expect(seen).toEqual([429, 401, 403, 529, 529, 200])
  })

  it('calls a tool as it was offered, and answers when the result comes', async () => {
    fake.account('a').behave(CALLS_TOOL('task', { prompt: 'x' }, 'done'))
    const tools = [{ name: 'mcp_task' }]
    expect(await (await ask('a', { tools })).json()).toMatchObject({
      content: [{ type: 'tool_use', name: 'mcp_task', input: { prompt: 'x' } }],
      stop_reason: 'tool_use',
    })
    const messages = [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't' }] }]
    expect(await (await ask('a', { tools, messages })).json()).toMatchObject({
      content: [{ text: 'done' }],
    })
    expect(await (await ask('a')).json()).toMatchObject({ content: [{ text: 'answered by a' }] })
  })

  it('fails inside a stream, before and after content', async () => {
    fake.account('a').behave(SEQUENCE(FAILS_IN_STREAM('overloaded'), FAILS_IN_STREAM('api', 'hi')))
    const before = await (await ask('a', { stream: true })).text()
    expect(before).toContain('event: error')
    expect(before).not.toContain('content_block')
    const after = await (await ask('a', { stream: true })).text()
    expect(after).toContain('"text":"hi"')
    expect(after).toContain('api_error')
  })

  it('cuts the connection before the answer or in the middle of it', async () => {
    fake.account('a').behave(SEQUENCE(CONNECTION_RESET, CUT_AFTER('half')))
    await expect(ask('a')).rejects.toThrow('fetch failed')
    const response = await ask('a', { stream: true })
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
  })

  it('keeps a record of what it saw, and lets a test wait for it', async () => {
    const seen = fake.waitForRequest(({ status }) => status === 200)
    const headers = { 'x-session-id': 's-2', 'x-parent-session-id': 's-1' }
    fake.account('b').behave(ALWAYS_ANSWERS('yes'))
    await ask('b', {}, headers)
    expect(await seen).toMatchObject({
      account: 'b',
      path: '/v1/messages?beta=true',
      session: 's-2',
      parent: 's-1',
      model: MODEL,
    })
    expect(fake.account('b').requests()).toHaveLength(1)
    expect(fake.account('a').requests()).toHaveLength(0)
  })

  it('tells who owns the account', async () => {
    const owner = fake.account('a')
    expect(await (await read('/api/oauth/profile')).json()).toMatchObject({
      account: { uuid: owner.accountId, email: 'a@example.test', has_claude_max: true },
    })
  })

  it('closes at once, whoever is still connected', async () => {
    fake.account('a').behave(() => ({ kind: 'silence' }))
    const open = ask('a').catch(() => 'cut')
    await fake.waitForRequest(() => true)
    const started = performance.now()
    await fake.close()
    expect(await open).toBe('cut')
    expect(performance.now() - started).toBeLessThan(500)
  })
})

function ask(name: string, body: object = {}, headers: Readonly<Record<string, string>> = {}) {
  return fetch(`${fake.origin}/v1/messages?beta=true`, {
    method: 'POST',
    headers: {
      ...signed(name),
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      ...headers,
    },
    body: JSON.stringify({
      model: MODEL,
      max_tokens: 10,
      messages: [{ role: 'user', content: 'hello' }],
      ...body,
    }),
  })
}

function read(path: string) {
  return fetch(fake.origin + path, { headers: signed('a') })
}

function signed(name: string) {
  return {
    authorization: `Bearer ${fake.account(name).tokens().accessToken}`,
    'anthropic-beta': 'oauth-2025-04-20',
  }
}
