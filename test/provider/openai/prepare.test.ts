import { describe, expect, it } from 'vitest'
import { openai } from '../../../src/provider/openai/adapter.ts'
import { secret } from '../../../src/secret.ts'
import { CREDENTIAL, post } from '../request.ts'

const RESPONSES = 'https://api.openai.com/v1/responses'
const CODEX = 'https://chatgpt.com/backend-api/codex/responses'

describe('the address of a request to OpenAI', () => {
  it.each([
    [RESPONSES, CODEX],
    [`${RESPONSES}?x=1`, `${CODEX}?x=1`],
    ['https://api.openai.com/v1/chat/completions', CODEX],
    ['https://api.openai.com/v1/models', 'https://api.openai.com/v1/models'],
    [
      'https://api.openai.com.evil.example/v1/responses',
      'https://api.openai.com.evil.example/v1/responses',
    ],
    ['http://127.0.0.1:9/v1/responses', 'http://127.0.0.1:9/v1/responses'],
    [
      'https://proxy.example/openai/chat/completions',
      'https://proxy.example/openai/chat/completions',
    ],
    ['not a url', 'not a url'],
  ])('%s becomes %s', (given, expected) => {
    expect(prepare(given).url).toBe(expected)
  })

  it.each([RESPONSES, 'http://127.0.0.1:9/v1/responses', 'http://x/chat/completions'])(
    '%s becomes the endpoint that the config names',
    (given) => {
      const endpoints = { ...openai.endpoints, api: 'http://127.0.0.1:8/codex' }
      const { url } = openai.prepare(post(given), CREDENTIAL, { ...openai, endpoints })
      expect(url).toBe('http://127.0.0.1:8/codex')
    },
  )
})

describe('the headers of a request to OpenAI', () => {
  it('name the account and its token, and no key of the host', () => {
    const { headers } = prepare(RESPONSES, {
      'x-api-key': 'sk-1',
      authorization: 'Bearer sk-1',
      'chatgpt-account-id': 'account-of-the-host',
      'content-length': '7',
      'x-session-id': 's',
    })
    expect(Object.fromEntries(headers)).toEqual({
      authorization: 'Bearer access-1',
      'chatgpt-account-id': 'account-1',
      'content-type': 'application/json',
      originator: 'opencode',
      'user-agent': 'opencode/1.18.33',
      'x-session-id': 's',
    })
  })

  it('keep the user agent of the host', () => {
    const { headers } = prepare(RESPONSES, { 'user-agent': 'opencode/2.0.1 (linux)' })
    expect(headers.get('user-agent')).toBe('opencode/2.0.1 (linux)')
  })

  it('name no account when it is not known', () => {
    const credential = { accessToken: secret('a'), accountId: undefined }
    const request = post(RESPONSES, {}, { 'chatgpt-account-id': 'account-of-the-host' })
    const { headers } = openai.prepare(request, credential, openai)
    expect(headers.has('chatgpt-account-id')).toBe(false)
  })
})

describe('the body of a request to OpenAI', () => {
  it('is the same, and so is the answer', () => {
    const body = '{"tools":[{"name":"bash"}],"instructions":"You are OpenCode"}'
    const prepared = openai.prepare(post(RESPONSES, body), CREDENTIAL, openai)
    expect(prepared.body).toBe(body)
    expect(prepared.transformResponse).toBeUndefined()
  })
})

function prepare(url: string, headers: Record<string, string> = {}) {
  return openai.prepare(post(url, {}, headers), CREDENTIAL, openai)
}
