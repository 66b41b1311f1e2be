import { describe, expect, it } from 'vitest'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { cleanMessage } from '../../src/provider/message.ts'
import { openai } from '../../src/provider/openai/adapter.ts'
import type { Credential, Provider } from '../../src/provider/provider.ts'
import { secret } from '../../src/secret.ts'
import { HOUR, NOW, answer } from './answer.ts'
import { post } from './request.ts'

const KEY: Credential = {
  accessToken: secret('sk-key-12345678'),
  accountId: undefined,
  isApiKey: true,
}
const MESSAGES = 'https://api.anthropic.com/v1/messages'
const RESPONSES = 'https://api.openai.com/v1/responses'

function prepare(provider: Provider, url: string, headers: Record<string, string> = {}) {
  const body = { system: 'You are OpenCode.', tools: [{ name: 'bash' }], stream: true }
  const request = post(url, body, headers)
  const { endpoints, transforms } = provider
  const prepared = provider.prepare(request, KEY, { endpoints, transforms })
  return { ...prepared, given: request.body, sent: Object.fromEntries(prepared.headers) }
}

describe('a request with an API key', () => {
  it('is the one of the host, but for the key (Anthropic)', () => {
    const { url, body, given, sent, transformResponse } = prepare(anthropic, MESSAGES, {
      authorization: 'Bearer x',
      'x-api-key': 'placeholder',
      'anthropic-beta': 'a-1',
      'user-agent': 'opencode/1.18.33',
    })
    expect([url, body, transformResponse]).toEqual([MESSAGES, given, undefined])
    expect(sent).toEqual({
      'content-type': 'application/json',
      'x-api-key': 'sk-key-12345678',
      'anthropic-beta': 'a-1',
      'user-agent': 'opencode/1.18.33',
    })
  })

  it('is the one of the host, but for the key and what is for ChatGPT (OpenAI)', () => {
    const { url, body, given, sent } = prepare(openai, RESPONSES, {
      authorization: 'Bearer placeholder',
      originator: 'opencode',
      'chatgpt-account-id': 'other',
      'session-id': 'one',
      'user-agent': 'opencode/1.18.33',
    })
    expect([url, body]).toEqual([RESPONSES, given])
    expect(sent).toEqual({
      'content-type': 'application/json',
      authorization: 'Bearer sk-key-12345678',
      'user-agent': 'opencode/1.18.33',
    })
  })
})

const isApiKey = true
const ofAnthropic = (remaining: string, reset: string) => ({
  'anthropic-ratelimit-requests-remaining': remaining,
  'anthropic-ratelimit-requests-reset': reset,
})
const ofOpenAI = (remaining: string, reset: string) => ({
  'x-ratelimit-remaining-requests': remaining,
  'x-ratelimit-reset-requests': reset,
})
const at = (ms: number) => new Date(NOW + ms).toISOString()
const burst = (retryAfterMs?: number) => ({ kind: 'burst', retryAfterMs })
const paused = (ms: number) => ({
  kind: 'limited',
  limits: [{ scope: 'account', window: 'retry-after', until: NOW + ms }],
})

const judgeAnthropic = (headers: Record<string, string>) =>
  anthropic.judge({ ...answer(429, { headers }), isApiKey })
const judgeOpenAI = (headers: Record<string, string>, error: object = {}) =>
  openai.judge({ ...answer(429, { headers, body: { error } }), isApiKey })

describe('a 429 for an API key of Anthropic', () => {
  it.each([
    [
      'its retry-after, before a reset',
      { 'retry-after': '7', ...ofAnthropic('0', at(HOUR)) },
      7_000,
    ],
    ['the reset of what is used up', ofAnthropic('0', at(40_000)), 40_000],
    [
      'the latest of several',
      {
        ...ofAnthropic('0', at(9_000)),
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': at(30_000),
      },
      30_000,
    ],
  ])('is limited for %s', (_, headers, ms) => {
    expect(judgeAnthropic(headers)).toMatchObject(paused(ms))
  })

  it.each([
    ['nothing at all', {}, undefined],
    ['an allowance that is left', ofAnthropic('3', at(40_000)), undefined],
    ['a reset that is no time', ofAnthropic('0', 'soon'), undefined],
    ['a reset that has passed', ofAnthropic('0', at(-1_000)), 0],
    ['a reset in a moment', ofAnthropic('0', at(2_000)), 2_000],
  ])('is a burst with %s', (_, headers, ms) => {
    expect(judgeAnthropic(headers)).toEqual(burst(ms))
  })
})

const SPENT = 'You have reached your specified API usage limits.'
const judgeSpent = (message: string) => {
  const error = { type: 'invalid_request_error', message }
  return anthropic.judge({ ...answer(400, { body: { error } }), isApiKey })
}

describe('an API key of Anthropic that has spent what its owner allows', () => {
  it('is limited until the time that the message names', () => {
    const until = Date.UTC(2027, 1, 1)
    expect(judgeSpent(`${SPENT} You will regain access on 2027-02-01 at 00:00 UTC.`)).toEqual({
      kind: 'limited',
      limits: [
        { scope: 'account', window: 'usage-limit', until, source: 'body', observedAt: NOW - 1_000 },
      ],
    })
  })

  it.each([
    '',
    ' You will regain access on 2099-01-01 at 00:00 UTC.',
    ' You will regain access soon.',
  ])('cools down where the message names no usable time: "%s"', (end) => {
    expect(judgeSpent(SPENT + end)).toEqual({
      kind: 'burst',
      retryAfterMs: undefined,
      usedUp: true,
    })
  })
})

describe('a 429 for an API key of OpenAI', () => {
  it.each([
    ['6m0s', 360_000],
    ['1h2m3s', 3_723_000],
    ['8.64s', 8_640],
    ['1d', undefined],
    ['-5s', undefined],
    ['1s', 1_000],
    ['120ms', 120],
    ['', undefined],
  ])('reads a reset of "%s"', (reset, ms) => {
    const expected = ms === undefined || ms <= 5_000 ? burst(ms) : paused(ms)
    expect(judgeOpenAI(ofOpenAI('0', reset))).toMatchObject(expected)
  })

  it('believes retry-after, then the message, then what is used up', () => {
    const said = { code: 'rate_limit_exceeded', message: 'Please try again in 9s.' }
    const used = ofOpenAI('0', '6m0s')
    expect(judgeOpenAI({ 'retry-after': '7', ...used }, said)).toMatchObject(paused(7_000))
    expect(judgeOpenAI(used, said)).toMatchObject(paused(9_000))
    expect(judgeOpenAI({ ...used, ...ofOpenAI('4', '6m0s') })).toEqual(burst())
  })

  it('is about the request when that is larger than a minute allows', () => {
    const message =
      'Request too large for gpt-5 in organization org-a on tokens per min (TPM): Limit 30000, ' +
      'Requested 36055. The input or output tokens must be reduced in order to run successfully.'
    const error = { type: 'tokens', code: 'rate_limit_exceeded', message }
    expect(judgeOpenAI({}, error)).toEqual({ kind: 'request' })
  })

  it.each([
    'insufficient_quota',
    'billing_hard_limit_reached',
    'billing_not_active',
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
  ])('is about money with %s', (code) => {
    expect(judgeOpenAI({}, { code, message: 'Pay.' })).toEqual({
      kind: 'refused',
      reason: 'billing',
      detail: 'Pay.',
    })
  })
})

describe('a refused API key', () => {
  it.each([
    [anthropic, { type: 'authentication_error', message: 'invalid x-api-key' }],
    [openai, { code: 'invalid_api_key', message: 'invalid x-api-key' }],
  ])('is no token to renew', (provider, error) => {
    const refused = { kind: 'refused', reason: 'auth', detail: 'invalid x-api-key' }
    expect(provider.judge({ ...answer(401, { body: { error } }), isApiKey })).toEqual(refused)
    expect(provider.judge(answer(401, { body: { error } }))).toEqual({ kind: 'unauthorized' })
  })

  it.each([anthropic, openai])('is not what the page of a proxy says of $name', (provider) => {
    const verdict = provider.judge({ ...answer(401, { body: '<p>Sign in</p>' }), isApiKey })
    expect(verdict).toEqual({ kind: 'request' })
  })

  it.each([
    [400, { type: 'invalid_request_error', message: 'Your credit balance is too low to go on.' }],
    [402, { type: 'billing_error', message: 'Payment is due.' }],
  ])('is unpaid with a %i of Anthropic, which a login is not', (status, error) => {
    const unpaid = { kind: 'refused', reason: 'billing', detail: error.message }
    expect(anthropic.judge({ ...answer(status, { body: { error } }), isApiKey })).toEqual(unpaid)
    expect(anthropic.judge(answer(status, { body: { error } })).kind).toBe('request')
  })

  it('is not quoted, not even in part', () => {
    const text = 'Incorrect API key provided: sk-proj-********************abcd. Find yours.'
    expect(cleanMessage(text)).toBe('Incorrect API key provided: [secret]. Find yours.')
  })
})
