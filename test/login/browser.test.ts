import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBrowser } from '../../src/login/browser.ts'
import type { LoginParts } from '../../src/login/result.ts'
import type { Browser } from '../../src/provider/login.ts'
import { providers } from '../../src/provider/providers.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { partsOf } from './begin.ts'
import { TURN_MS, occupy, takeTurnOnFixedPort } from './fixed-port.ts'
import { LOOPBACK, isListening } from './raw.ts'

function methodOf(fake: Fake): Browser {
  const method = providers[fake.id].login.methods.find(({ kind }) => kind === 'browser')
  if (method?.kind !== 'browser') throw new Error('It has no browser login.')
  return method
}

const begin = (fake: Fake, known?: Partial<LoginParts>, method = methodOf(fake)) =>
  startBrowser(method, partsOf(fake, known))

async function started(fake: Fake, known?: Partial<LoginParts>, method = methodOf(fake)) {
  const login = await begin(fake, known, method)
  if (!login.ok) throw new Error(login.message)
  return login
}

/** A person opens the page and agrees at once; the browser follows to us. */
const agree = (url: string) => fetch(url)

function callbackOf(url: string, query: Readonly<Record<string, string>>): string {
  const asked = new URL(url).searchParams
  const callback = new URL(asked.get('redirect_uri') ?? '')
  callback.search = new URLSearchParams({ ...query, state: asked.get('state') ?? '' }).toString()
  return callback.href
}

const portOf = (url: string) => Number(new URL(callbackOf(url, {})).port)

/** Resolves when nothing listens on the port any more. */
async function untilClosed(port: number): Promise<void> {
  for (const host of LOOPBACK) await expect.poll(() => isListening(port, host)).toBe(false)
}

describe('a login in the browser at Anthropic', () => {
  let fake: Fake
  beforeEach(async () => {
    fake = await createFakeAnthropic({ accounts: ['one'] })
  })
  afterEach(() => fake.close())

  it('opens the page without the code to paste, and with a way back to a free port', async () => {
    const logins = await Promise.all([started(fake), started(fake)])
    const queries = logins.map(({ url }) => new URL(url).searchParams)
    for (const name of ['state', 'code_challenge', 'redirect_uri']) {
      expect(new Set(queries.map((query) => query.get(name))).size).toBe(2)
    }
    expect(Buffer.from(queries[0]?.get('state') ?? '', 'base64url')).toHaveLength(32)
    expect(Object.fromEntries(queries[0] ?? [])).toEqual({
      client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
      response_type: 'code',
      redirect_uri: expect.stringMatching(/^http:\/\/localhost:\d+\/callback$/),
      scope: 'org:create_api_key user:profile user:inference',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/),
    })
    await Promise.all(logins.map(({ stop }) => stop()))
  })

  it('gives tokens that work, whose they are, and the plan', async () => {
    const { url, finish } = await started(fake)
    const [result] = await Promise.all([finish(), agree(url)])
    const one = fake.account('one')
    expect(result).toMatchObject({
      ok: true,
      login: {
        accountId: one.accountId,
        userId: one.userId,
        email: 'one@example.test',
        planTier: 'max',
      },
    })
    expect(result.ok && result.login.refreshToken.reveal()).toBe(one.tokens().refreshToken)
    for (const canary of fake.canaries()) expect(JSON.stringify(result)).not.toContain(canary)
  })

  it('keeps what the browser brought before anybody waits for it', async () => {
    const { url, finish } = await started(fake)
    await agree(url)
    await untilClosed(portOf(url))
    expect(await finish()).toMatchObject({ ok: true })
    expect(await finish()).toMatchObject({ ok: true })
    expect(fake.requests.filter(({ path }) => path === '/v1/oauth/token')).toHaveLength(1)
  })

  it('sends the exchange as JSON with the state and its own way back', async () => {
    const { url, finish } = await started(fake)
    await Promise.all([finish(), agree(url)])
    const asked = new URL(url).searchParams
    const sent = fake.requests.find(({ path }) => path === '/v1/oauth/token')
    expect(sent?.headers['content-type']).toBe('application/json')
    expect(JSON.parse(sent?.bodyText ?? '')).toEqual({
      grant_type: 'authorization_code',
      client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
      code: expect.stringContaining('canary-code-'),
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uri: asked.get('redirect_uri'),
      state: asked.get('state'),
    })
  })

  it.each([
    ['answers an error', () => new Response('', { status: 500 })],
    ['answers something else', () => Response.json(['x'])],
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed'))],
  ])('works without the profile when that %s', async (_what, answer) => {
    const { world } = partsOf(fake)
    const withoutProfile: typeof world.fetch = async (url, init) =>
      url === fake.endpoints.profile ? answer() : world.fetch(url, init)
    const { url, finish } = await started(fake, { world: { ...world, fetch: withoutProfile } })
    const [result] = await Promise.all([finish(), agree(url)])
    expect(result).toMatchObject({
      ok: true,
      login: { email: 'one@example.test', planTier: undefined, userId: undefined },
    })
  })

  it('shows a page that loads nothing and repeats nothing', async () => {
    const { url, finish } = await started(fake)
    const finished = finish()
    const page = await agree(url)
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    const html = await page.text()
    expect(html).toContain('You can close this page')
    expect(html).not.toMatch(/src=|href=|url\(|<script|canary/)
    expect(await finished).toMatchObject({ ok: true })
  })

  it('says that access was denied, and repeats nothing that is no plain word', async () => {
    const { url, finish } = await started(fake)
    const error = '<img src=x onerror=alert(1)>'
    const page = await fetch(callbackOf(url, { error, error_description: error }))
    expect(await page.text()).not.toContain('<img')
    expect(await finish()).toMatchObject({
      ok: false,
      code: 'denied',
      message: expect.stringContaining('("unknown")'),
    })
    const second = await started(fake)
    await fetch(callbackOf(second.url, { error: 'access_denied', code: 'x' }))
    expect(await second.finish()).toMatchObject({
      code: 'denied',
      message: expect.stringContaining('access_denied'),
    })
  })

  it('reports a code that the provider does not take, without the code', async () => {
    const { url, finish } = await started(fake)
    await fetch(callbackOf(url, { code: 'canary-forged' }))
    const result = await finish()
    expect(result).toMatchObject({ ok: false, code: 'refused' })
    expect(JSON.stringify(result)).not.toContain('canary-forged')
  })

  it('takes an answer that names its issuer', async () => {
    const { url, finish } = await started(fake)
    const page = await fetch(url, { redirect: 'manual' })
    await fetch(`${page.headers.get('location')}&iss=https%3A%2F%2Fclaude.ai`)
    expect(await finish()).toMatchObject({ ok: true })
  })

  it('takes no code that was given for another challenge', async () => {
    const [mine, other] = await Promise.all([started(fake), started(fake)])
    const page = await fetch(other.url, { redirect: 'manual' })
    const code = new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? ''
    await fetch(callbackOf(mine.url, { code }))
    expect(await mine.finish()).toMatchObject({ ok: false, code: 'refused' })
    await other.stop()
  })

  it('ends after 5 minutes, and nothing listens any more', async () => {
    const timers: { readonly fire: () => void; readonly ms: number }[] = []
    const { world } = partsOf(fake)
    const arm: typeof world.arm = (fire, ms) => {
      timers.push({ fire, ms })
      return () => {}
    }
    const { url, finish } = await started(fake, { world: { ...world, arm } })
    expect(timers.map(({ ms }) => ms)).toEqual([5 * 60_000])
    timers[0]?.fire()
    expect(await finish()).toMatchObject({ ok: false, code: 'expired' })
    await untilClosed(portOf(url))
  })

  it('ends when the host ends', async () => {
    const ending = new AbortController()
    const { url, finish } = await started(fake, { signal: ending.signal })
    const finished = finish()
    ending.abort()
    expect(await finished).toMatchObject({ ok: false, code: 'aborted' })
    await untilClosed(portOf(url))
    const late = await started(fake, { signal: ending.signal })
    expect(await late.finish()).toMatchObject({ ok: false, code: 'aborted' })
  })

  it('gives its port back when it is stopped', async () => {
    const { url, finish, stop } = await started(fake)
    await stop()
    for (const host of LOOPBACK) expect(await isListening(portOf(url), host)).toBe(false)
    expect(await finish()).toMatchObject({ ok: false, code: 'replaced' })
  })
})

describe('a login in the browser at OpenAI', () => {
  const PORT = 1455
  let fake: Fake
  let endTurn: () => void
  beforeEach(async () => {
    fake = await createFakeOpenAI({ accounts: ['one'] })
    endTurn = await takeTurnOnFixedPort()
  }, TURN_MS)
  afterEach(async () => {
    endTurn()
    await fake.close()
  })

  it('gives tokens that work and whose they are, by the way back that is registered', async () => {
    const { url, finish } = await started(fake)
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      response_type: 'code',
      client_id: 'app_EMoamEEZ73f0CkXaXp7hrann',
      redirect_uri: 'http://localhost:1455/auth/callback',
      scope: 'openid profile email offline_access',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      id_token_add_organizations: 'true',
      codex_cli_simplified_flow: 'true',
      state: expect.stringMatching(/^[\w-]{43}$/),
      originator: 'opencode',
    })
    const [result] = await Promise.all([finish(), agree(url)])
    const one = fake.account('one')
    expect(result).toMatchObject({
      ok: true,
      login: { accountId: one.accountId, email: 'one@example.test', planTier: 'plus' },
    })
    expect(result.ok && result.login.refreshToken.reveal()).toBe(one.tokens().refreshToken)
    const sent = fake.requests.find(({ path }) => path === '/oauth/token')
    expect(sent?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(Object.fromEntries(new URLSearchParams(sent?.bodyText))).toEqual({
      grant_type: 'authorization_code',
      client_id: 'app_EMoamEEZ73f0CkXaXp7hrann',
      code: expect.stringContaining('canary-code-'),
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uri: 'http://localhost:1455/auth/callback',
    })
  })

  it('is cancelled by whoever knows its state, and by nobody else', async () => {
    const { url, finish } = await started(fake)
    const state = new URL(url).searchParams.get('state') ?? ''
    for (const wrong of [
      '',
      '?state=',
      '?state=x',
      `?state=${state}x`,
      `?state=${state}&state=x`,
    ]) {
      expect((await fetch(`http://localhost:${PORT}/cancel${wrong}`)).status).toBe(400)
    }
    const page = await fetch(`http://localhost:${PORT}/cancel?state=${state}`)
    expect(await page.text()).toContain('The login was cancelled')
    expect(await finish()).toMatchObject({ ok: false, code: 'denied' })
  })

  it('ends the one that was left behind in this process', async () => {
    const first = await started(fake)
    const finished = first.finish()
    const second = await started(fake)
    expect(await finished).toMatchObject({ ok: false, code: 'replaced' })
    const [result] = await Promise.all([second.finish(), agree(second.url)])
    expect(result).toMatchObject({ ok: true })
  })

  it.each(LOOPBACK)('says so when another program has the port on %s', async (host) => {
    const release = await occupy(PORT, host)
    expect(release).toBeDefined()
    expect(await begin(fake)).toEqual({
      ok: false,
      code: 'noListener',
      message: 'Port 1455 is used by another program, so a browser cannot come back here.',
    })
    release?.()
    await untilClosed(PORT)
    const { stop } = await started(fake)
    await stop()
  })
})
