import { afterEach, describe, expect, it, vi } from 'vitest'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { TOKEN_LIMIT_MS } from '../../src/provider/oauth.ts'
import { openai } from '../../src/provider/openai/adapter.ts'
import type { RefreshRequest } from '../../src/provider/provider.ts'
import { NOW } from './answer.ts'
import { refreshAt, refreshed, renewal, startTokenServer, unusedUrl } from './token-server.ts'

const URL = 'https://token.invalid/oauth/token'

afterEach(() => {
  vi.useRealTimers()
})

describe.each([anthropic, openai])('a token refresh at $name', (provider) => {
  const answerTo = async (status: number, body: unknown, headers: Record<string, string> = {}) =>
    (await refreshed(provider, { status, body, headers })).answer

  it.each([
    [408, false],
    [429, false],
    [500, true],
    [502, true],
    [503, true],
    [504, true],
    [529, true],
  ])('blames nobody for a %i; it may have been carried out: %s', async (status, inDoubt) => {
    const answer = await answerTo(status, { error: { type: 'api_error', message: 'busy' } })
    expect(answer).toEqual({ kind: 'unavailable', detail: `HTTP ${status} api_error`, inDoubt })
  })

  it('blames nobody for a 400 whose code says that the endpoint is at fault', async () => {
    const answer = await answerTo(400, { error: 'temporarily_unavailable' })
    expect(answer).toEqual({
      kind: 'unavailable',
      detail: 'HTTP 400 temporarily_unavailable',
      inDoubt: false,
    })
  })

  it('does not follow a redirect', async () => {
    const elsewhere = await startTokenServer({ status: 200, body: {} })
    const answer = await answerTo(302, '', { location: elsewhere.url })
    await elsewhere.close()
    expect(answer).toEqual({ kind: 'unavailable', detail: 'HTTP 302', inDoubt: false })
    expect(elsewhere.asked).toEqual([])
  })

  it.each([
    ['no JSON', '<html>welcome to the hotel</html>'],
    ['no token', {}],
    ['an empty token', { access_token: '', refresh_token: 'r' }],
    ['too much', `{"access_token":"a","x":"${'x'.repeat(70_000)}"}`],
  ])('is in doubt after a 200 with %s', async (_, body) => {
    expect(await answerTo(200, body)).toEqual({
      kind: 'unavailable',
      detail: 'HTTP 200',
      inDoubt: true,
    })
  })

  it('reads the error code of a 200 as well', async () => {
    const answer = await answerTo(200, { error: 'invalid_grant' })
    expect(answer).toEqual({ kind: 'dead', code: 'invalid_grant' })
  })

  it.each([{ error: { code: 'invalid_grant' } }, { code: 'invalid_grant' }])(
    'finds the error code in %j',
    async (body) => {
      expect(await answerTo(400, body)).toEqual({ kind: 'dead', code: 'invalid_grant' })
    },
  )

  it('counts a 400 with an unknown code as a failure that may pass', async () => {
    expect(await answerTo(400, { error: 'odd' })).toEqual({ kind: 'refused', code: 'odd' })
    expect(await answerTo(400, 'nothing')).toEqual({ kind: 'refused', code: 'http_400' })
  })

  it.each(['the token refresh-1 is bad', 'refresh-1', `x${'y'.repeat(80)}`])(
    'never shows what the endpoint quotes: %s',
    async (error) => {
      const answer = await answerTo(400, { error, error_description: 'refresh-1' })
      expect(answer).toEqual({ kind: 'refused', code: 'unknown' })
    },
  )

  it('keeps the old refresh token when the answer brings none', async () => {
    const answer = await answerTo(200, { access_token: 'a', refresh_token: null, expires_in: 60 })
    expect(renewal(answer).refreshToken.reveal()).toBe('refresh-1')
    expect(renewal(answer).expiresAt).toBe(NOW + 60_000)
  })

  it.each([undefined, null, 0, -1, 'soon', 1e12])(
    'never makes a token that is expired at once from expires_in %j',
    async (expires_in) => {
      const answer = await answerTo(200, { access_token: 'a', refresh_token: 'r', expires_in })
      expect(renewal(answer).expiresAt).toBe(
        NOW + (provider.id === 'anthropic' ? 8 : 1) * 3_600_000,
      )
    },
  )

  it('puts no token where it could be printed', async () => {
    const answer = await answerTo(200, { access_token: 'access-2', refresh_token: 'refresh-2' })
    expect(JSON.stringify(answer)).not.toMatch(/access-2|refresh-2/)
  })

  it('names the code alone when nobody listens', async () => {
    const answer = await provider.refresh(refreshAt(await unusedUrl()))
    expect(answer).toEqual({ kind: 'unavailable', detail: 'ECONNREFUSED', inDoubt: false })
  })

  it('keeps nothing of an error that quotes the token', async () => {
    const answer = await provider.refresh(refreshAt(URL, { fetch: QUOTES_THE_TOKEN }))
    expect(answer).toEqual({ kind: 'unavailable', detail: 'unknown', inDoubt: true })
  })

  it('gives up after 20 seconds, even when fetch does not listen', async () => {
    vi.useFakeTimers()
    const answer = provider.refresh(refreshAt(URL, { fetch: NEVER_ANSWERS }))
    await vi.advanceTimersByTimeAsync(TOKEN_LIMIT_MS)
    expect(await answer).toEqual({ kind: 'unavailable', detail: 'TimeoutError', inDoubt: true })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives up when the body never ends', async () => {
    vi.useFakeTimers()
    const answer = provider.refresh(refreshAt(URL, { fetch: NEVER_ENDS }))
    await vi.advanceTimersByTimeAsync(TOKEN_LIMIT_MS)
    expect(await answer).toEqual({ kind: 'unavailable', detail: 'TimeoutError', inDoubt: true })
  })

  it('ends at once when the caller aborts, and spends nothing when it already has', async () => {
    const controller = new AbortController()
    const fetch = vi.fn<RefreshRequest['fetch']>(NEVER_ANSWERS)
    const answer = provider.refresh(refreshAt(URL, { fetch, signal: controller.signal }))
    controller.abort('refresh-1')
    expect(await answer).toEqual({ kind: 'unavailable', detail: 'AbortError', inDoubt: true })
    expect(fetch).toHaveBeenCalledTimes(1)
    await provider.refresh(refreshAt(URL, { fetch, signal: controller.signal }))
    expect(fetch).toHaveBeenCalledTimes(1)
  })
})

const NEVER_ANSWERS: RefreshRequest['fetch'] = () => new Promise<Response>(() => {})
const NEVER_ENDS: RefreshRequest['fetch'] = () =>
  Promise.resolve(new Response(new ReadableStream()))
const QUOTES_THE_TOKEN: RefreshRequest['fetch'] = () =>
  Promise.reject(Object.assign(new TypeError('bad refresh-1'), { code: 'refresh-1 is bad' }))
