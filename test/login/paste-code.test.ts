import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { agreeOn, startPasteLogin } from './begin.ts'

describe('a login with a pasted code', () => {
  let fake: Fake
  beforeEach(async () => {
    fake = await createFakeAnthropic({ accounts: ['one'] })
  })
  afterEach(() => fake.close())

  /** Everything that is said to the person, here and on the page's address, is free of secrets. */
  function expectNoSecret(result: unknown): void {
    for (const canary of fake.canaries()) expect(JSON.stringify(result)).not.toContain(canary)
  }

  it('opens a page with a fresh challenge and a 256-bit state each time', async () => {
    const urls = await Promise.all([startPasteLogin(fake), startPasteLogin(fake)])
    const queries = urls.map(({ url }) => new URL(url).searchParams)
    for (const name of ['state', 'code_challenge']) {
      const values = queries.map((query) => query.get(name) ?? '')
      expect(new Set(values).size).toBe(2)
      for (const value of values) expect(Buffer.from(value, 'base64url')).toHaveLength(32)
    }
    expect(Object.fromEntries(queries[0] ?? [])).toMatchObject({
      code: 'true',
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: 'https://console.anthropic.com/oauth/code/callback',
      scope: 'org:create_api_key user:profile user:inference',
    })
  })

  it('gives tokens that work, and whose they are', async () => {
    const before = Date.now()
    const { url, finish } = await startPasteLogin(fake)
    const result = await finish(`  ${await agreeOn(url)}\n`)
    const one = fake.account('one')
    expect(result).toMatchObject({
      ok: true,
      login: { accountId: one.accountId, email: 'one@example.test' },
    })
    if (!result.ok) return
    expect(result.login.accessToken.reveal()).toBe(one.tokens().accessToken)
    expect(result.login.refreshToken.reveal()).toBe(one.tokens().refreshToken)
    expect(result.login.expiresAt).toBeGreaterThan(before + 7 * 3_600_000)
    expectNoSecret(result)
  })

  it('sends the exchange as JSON with the state', async () => {
    const { url, finish } = await startPasteLogin(fake)
    const pasted = await agreeOn(url)
    await finish(pasted)
    const [code, state] = pasted.split('#')
    const sent = fake.requests.find(({ path }) => path === '/v1/oauth/token')
    expect(sent?.headers['content-type']).toBe('application/json')
    expect(JSON.parse(sent?.bodyText ?? '')).toMatchObject({
      grant_type: 'authorization_code',
      code,
      state,
    })
  })

  it('never sends a code that came with another state, and works with the right one afterwards', async () => {
    const [first, second] = await Promise.all([startPasteLogin(fake), startPasteLogin(fake)])
    const [mine, other] = await Promise.all([agreeOn(first.url), agreeOn(second.url)])
    const forged = `${mine.split('#')[0]}#${'A'.repeat(43)}`
    for (const pasted of [other, forged, `${mine}x`]) {
      const result = await first.finish(pasted)
      expect(result).toMatchObject({ ok: false, code: 'state' })
      expectNoSecret(result)
    }
    expect(fake.requests.filter(({ path }) => path === '/v1/oauth/token')).toEqual([])
    expect(await first.finish(mine)).toMatchObject({ ok: true })
  })

  it('says what to paste when it was garbage, and does not repeat it', async () => {
    const { url, finish } = await startPasteLogin(fake)
    const [code = ''] = (await agreeOn(url)).split('#')
    const result = await finish(code)
    expect(result).toMatchObject({ ok: false, code: 'unreadable' })
    expect(result).toMatchObject({ message: expect.stringContaining('CODE#STATE') })
    expectNoSecret(result)
  })

  it('says so when the page gave no access', async () => {
    const { url, finish } = await startPasteLogin(fake)
    const state = new URL(url).searchParams.get('state')
    const denied = `https://example.test/callback?error=access_denied&state=${state}`
    expect(await finish(denied)).toMatchObject({ ok: false, code: 'denied' })
  })

  it('takes one code once', async () => {
    const { url, finish } = await startPasteLogin(fake)
    const pasted = await agreeOn(url)
    const results = await Promise.all([finish(pasted), finish(pasted)])
    expect(results).toMatchObject([{ ok: true }, { ok: false, code: 'used' }])
    expect(await finish(pasted)).toMatchObject({ ok: false, code: 'used' })
    expect(fake.requests.filter(({ path }) => path === '/v1/oauth/token')).toHaveLength(1)
  })

  it('reports a code that the provider has seen before, without the code', async () => {
    const [first, second] = await Promise.all([startPasteLogin(fake), startPasteLogin(fake)])
    const [code, other] = [await agreeOn(first.url), await agreeOn(second.url)]
    expect(await first.finish(code)).toMatchObject({ ok: true })
    const reused = await second.finish(`${code.split('#')[0]}#${other.split('#')[1]}`)
    expect(reused).toMatchObject({ ok: false, code: 'refused' })
    expectNoSecret(reused)
  })

  it('takes the whole code after one that was cut off while copying', async () => {
    const { url, finish } = await startPasteLogin(fake)
    const pasted = await agreeOn(url)
    const cutOff = pasted.replace(/^.(.*)#/, '$1#')
    const refused = await finish(cutOff)
    expect(refused).toMatchObject({ ok: false, code: 'refused' })
    expect(refused).toMatchObject({ message: expect.stringContaining('invalid_grant') })
    expectNoSecret(refused)
    expect(await finish(pasted)).toMatchObject({ ok: true })
  })

  it('reports a provider that cannot be reached', async () => {
    const { url, finish } = await startPasteLogin(fake)
    const pasted = await agreeOn(url)
    await fake.close()
    const result = await finish(pasted)
    expect(result).toMatchObject({ ok: false, code: 'unavailable' })
    expectNoSecret(result)
  })

  it('sends nothing after the host has ended', async () => {
    const ending = new AbortController()
    const { url, finish } = await startPasteLogin(fake, { signal: ending.signal })
    const pasted = await agreeOn(url)
    ending.abort()
    expect(await finish(pasted)).toMatchObject({ ok: false, code: 'aborted' })
    expect(fake.requests.filter(({ path }) => path === '/v1/oauth/token')).toEqual([])
  })
})
