import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CALLS_TOOL,
  FAILS_IN_STREAM,
  LIMITED_UNTIL,
  OVERLOADED,
  REVOKED,
  SEQUENCE,
} from './behaviors.ts'
import type { Fake } from './fake.ts'
import { createFakeOpenAI } from './openai.ts'

const CODEX = '/backend-api/codex/responses'

let fake: Fake
beforeEach(async () => {
  fake = await createFakeOpenAI({ accounts: ['a', 'b'] })
})
afterEach(() => fake.close())

describe('the fake of OpenAI', () => {
  it('streams the answer of the account whose token is sent, with its limit headers', async () => {
    const response = await ask('b', { stream: true })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-codex-primary-used-percent')).toBe('10')
    expect(response.headers.get('x-codex-secondary-window-minutes')).toBe('10080')
    const text = await response.text()
    const events = [...text.matchAll(/^event: (.+)$/gm)].map(([, name]) => name)
    expect([...new Set(events)]).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(text).toContain('answered by b')
  })

  it('answers in one JSON response when no stream is asked for', async () => {
    expect(await (await ask('a')).json()).toMatchObject({
      status: 'completed',
      output: [{ type: 'message', content: [{ text: 'answered by a' }] }],
      usage: { total_tokens: 34 },
    })
  })

  it('refuses a token it does not know', async () => {
    const response = await ask('a', {}, { authorization: 'Bearer nobody' })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { code: 'token_expired' } })
  })

  it.each([
    ['an API key', {}, { 'x-api-key': 'k' }],
    ["another account's id", {}, { 'chatgpt-account-id': 'other' }],
    ['a request without instructions', { instructions: undefined }, {}],
    ['a request to be stored', { store: true }, {}],
    ['a limit for the output', { max_output_tokens: 1 }, {}],
  ])('refuses %s', async (_name, body, headers) => {
    expect((await ask('a', body, headers)).status).toBe(400)
  })

  it('refuses while a window is used up, and says until when everywhere', async () => {
    const until = Date.now() + 3_600_000
    fake.account('a').behave(LIMITED_UNTIL(until, { window: 'weekly' }))
    const response = await ask('a')
    expect(response.status).toBe(429)
    expect(response.headers.get('x-codex-secondary-used-percent')).toBe('100')
    expect(await response.json()).toMatchObject({
      error: { type: 'usage_limit_reached', resets_at: Math.ceil(until / 1_000) },
    })
    const usage = await fetch(fake.endpoints.usage, { headers: signed('a') })
    expect(await usage.json()).toMatchObject({
      rate_limit: { limit_reached: true, secondary_window: { used_percent: 100 } },
    })
  })

  it('refuses to tell the usage twice within a minute', async () => {
    const first = await fetch(fake.endpoints.usage, { headers: signed('a') })
    const second = await fetch(fake.endpoints.usage, { headers: signed('a') })
    expect([first.status, second.status, fake.usageRefusals()]).toEqual([200, 429, 1])
  })

  it('says overload and revocation in its own way', async () => {
    fake.account('a').behave(SEQUENCE(OVERLOADED(1), REVOKED))
    expect((await ask('a')).status).toBe(503)
    const revoked = await ask('a')
    expect(revoked.status).toBe(401)
    expect(await revoked.json()).toMatchObject({ error: { code: 'deactivated_workspace' } })
  })

  it('calls a tool, and answers when the result comes', async () => {
    fake.account('a').behave(CALLS_TOOL('task', { prompt: 'x' }, 'done'))
    const tools = [{ type: 'function', name: 'task' }]
    expect(await (await ask('a', { tools })).json()).toMatchObject({
      output: [{ type: 'function_call', name: 'task', arguments: '{"prompt":"x"}' }],
    })
    const input = [{ type: 'function_call_output', call_id: 'c', output: 'ok' }]
    expect(await (await ask('a', { tools, input })).json()).toMatchObject({
      output: [{ content: [{ text: 'done' }] }],
    })
  })

  it('fails inside a stream', async () => {
    fake.account('a').behave(FAILS_IN_STREAM('limited'))
    const text = await (await ask('a', { stream: true })).text()
    expect(text).toContain('event: response.failed')
    expect(text).toContain('rate_limit_exceeded')
  })
})

function ask(name: string, body: object = {}, headers: Readonly<Record<string, string>> = {}) {
  return fetch(fake.origin + CODEX, {
    method: 'POST',
    headers: {
      ...signed(name),
      'content-type': 'application/json',
      originator: 'opencode',
      ...headers,
    },
    body: JSON.stringify({
      model: 'gpt-5.2-codex',
      instructions: 'Be brief.',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }] }],
      store: false,
      ...body,
    }),
  })
}

function signed(name: string) {
  const owner = fake.account(name)
  return {
    authorization: `Bearer ${owner.tokens().accessToken}`,
    'chatgpt-account-id': owner.accountId,
  }
}
