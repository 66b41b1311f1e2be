import { describe, expect, it } from 'vitest'
import { anthropic } from '../../../src/provider/anthropic/adapter.ts'
import type { ReplayableRequest, TransformFlags } from '../../../src/provider/provider.ts'
import { secret } from '../../../src/secret.ts'
import { CREDENTIAL, post } from '../request.ts'

const MESSAGES = 'https://api.anthropic.com/v1/messages'
const NO_TRANSFORMS: TransformFlags = {
  enableMessagesBetaQuery: false,
  addToolPrefix: false,
  stripToolPrefixInResponse: false,
  rewriteOpenCodeBranding: false,
  omitForeignReasoning: false,
}

describe('the headers of a request to Anthropic', () => {
  it('carry the token of the account, and no key of the host', () => {
    const request = post(MESSAGES, {}, { 'x-api-key': 'sk-1', authorization: 'Bearer other' })
    const { headers } = prepare(request)
    expect(headers.get('authorization')).toBe('Bearer access-1')
    expect(headers.has('x-api-key')).toBe(false)
    expect(headers.get('user-agent')).toBe('claude-cli/2.1.2 (external, cli)')
  })

  it('add the two betas to those of the host, none of them twice', () => {
    const given = { 'anthropic-beta': 'a-1, interleaved-thinking-2025-05-14,a-1,' }
    expect(prepare(post(MESSAGES)).headers.get('anthropic-beta')).toBe(
      'oauth-2025-04-20,interleaved-thinking-2025-05-14',
    )
    expect(prepare(post(MESSAGES, {}, given)).headers.get('anthropic-beta')).toBe(
      'a-1,interleaved-thinking-2025-05-14,oauth-2025-04-20',
    )
  })

  it('leave out what belongs to the connection or to the old body', () => {
    const { headers } = prepare(
      post(MESSAGES, {}, { host: 'x', 'content-length': '7', connection: 'close', te: 'trailers' }),
    )
    expect([...headers.keys()].toSorted()).toEqual([
      'anthropic-beta',
      'authorization',
      'content-type',
      'user-agent',
    ])
  })

  it('keep what the host says about its session', () => {
    const own = { 'x-session-affinity': 's', 'x-session-id': 's', 'x-parent-session-id': 'p' }
    expect(Object.fromEntries(prepare(post(MESSAGES, {}, own)).headers)).toMatchObject(own)
  })

  it('leave the headers of the host as they were', () => {
    const request = post(MESSAGES, {}, { 'x-api-key': 'sk-1' })
    prepare(request)
    expect(Object.fromEntries(request.headers)).toEqual({
      'content-type': 'application/json',
      'x-api-key': 'sk-1',
    })
  })

  it('never make an exception that quotes a broken token', () => {
    const credential = { accessToken: secret('to\nken\u0100'), accountId: undefined }
    const { headers } = anthropic.prepare(post(MESSAGES), credential, anthropic)
    expect(headers.get('authorization')).toBe('Bearer token')
  })
})

describe('the address of a request to Anthropic', () => {
  it.each([
    [MESSAGES, `${MESSAGES}?beta=true`],
    [`${MESSAGES}?x=1`, `${MESSAGES}?x=1&beta=true`],
    [`${MESSAGES}?beta=true`, `${MESSAGES}?beta=true`],
    ['http://proxy:8080/claude/v1/messages', 'http://proxy:8080/claude/v1/messages?beta=true'],
    [`${MESSAGES}/count_tokens`, `${MESSAGES}/count_tokens`],
    ['https://api.anthropic.com', 'https://api.anthropic.com'],
    ['not a url', 'not a url'],
  ])('%s becomes %s', (given, expected) => {
    expect(prepare(post(given)).url).toBe(expected)
  })

  it('stays as it is when the transform is off', () => {
    expect(prepare(post(MESSAGES), NO_TRANSFORMS).url).toBe(MESSAGES)
  })

  it.each([
    ['http://127.0.0.1:9', 'http://127.0.0.1:9/v1/messages?beta=true'],
    ['http://127.0.0.1:9/', 'http://127.0.0.1:9/v1/messages?beta=true'],
    ['http://127.0.0.1:9/v1', 'http://127.0.0.1:9/v1/messages?beta=true'],
    ['https://proxy.example/claude/v1/', 'https://proxy.example/claude/v1/messages?beta=true'],
  ])('goes to a configured API base %s', (api, expected) => {
    const { url } = anthropic.prepare(post(MESSAGES), CREDENTIAL, {
      endpoints: { ...anthropic.endpoints, api },
      transforms: anthropic.transforms,
    })
    expect(url).toBe(expected)
  })
})

describe('the body of a request to Anthropic', () => {
  it('is the same string when nothing in it changes', () => {
    const body = '{ "model" : "claude-opus-4-5",\n "n": 1.0, "messages": [] }'
    expect(prepare(post(MESSAGES, body)).body).toBe(body)
  })

  it('is the same string when every transform is off', () => {
    const body = '{"tools":[{"name":"bash"}], "system":"You are OpenCode"}'
    expect(prepare(post(MESSAGES, body), NO_TRANSFORMS).body).toBe(body)
  })

  it.each(['', 'no json with "tools"', '[{"tools":[{"name":"bash"}]}]', 'null', '{"tools":'])(
    'is left alone when it is %j',
    (body) => {
      expect(prepare(post(MESSAGES, body)).body).toBe(body)
    },
  )

  it('is left alone when it is bytes, or nothing', () => {
    const bytes = new TextEncoder().encode('{"tools":[{"name":"bash"}]}')
    expect(prepare(post(MESSAGES, bytes)).body).toBe(bytes)
    expect(prepare({ ...post(MESSAGES), body: undefined }).body).toBeUndefined()
  })

  it('keeps the order of its keys when it changes', () => {
    const body = '{"z":1,"tools":[{"input_schema":{"b":1,"a":2},"name":"bash"}],"a":{"y":0,"x":0}}'
    expect(prepare(post(MESSAGES, body)).body).toBe(body.replace('"bash"', '"mcp_bash"'))
  })

  it('survives values of any kind where tools, messages and system are expected', () => {
    const odd = [null, 1, 'x', [null, 1], { name: 'x' }, [{ content: [null] }]]
    for (const value of odd) {
      const body = JSON.stringify({
        tools: value,
        messages: value,
        system: value,
        tool_choice: value,
      })
      expect(() => prepare(post(MESSAGES, body))).not.toThrow()
    }
  })
})

describe('the answer of Anthropic', () => {
  const withTools = post(MESSAGES, { tools: [{ name: 'bash' }] })

  it('is transformed only when names were sent prefixed', () => {
    expect(prepare(withTools).transformResponse).toBeTypeOf('function')
    expect(prepare(post(MESSAGES, { tools: [] })).transformResponse).toBeUndefined()
    const ownPrefix = post(MESSAGES, { tools: [{ name: 'mcp_bash' }] })
    expect(prepare(ownPrefix).transformResponse).toBeUndefined()
  })

  it('is passed on as it is when stripping is off', () => {
    const flags = { ...anthropic.transforms, stripToolPrefixInResponse: false }
    expect(prepare(withTools, flags).transformResponse).toBeUndefined()
  })
})

function prepare(request: ReplayableRequest, transforms = anthropic.transforms) {
  return anthropic.prepare(request, CREDENTIAL, { endpoints: anthropic.endpoints, transforms })
}
