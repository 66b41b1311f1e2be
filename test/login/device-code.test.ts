import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startDeviceCode } from '../../src/login/device-code.ts'
import type { LoginParts } from '../../src/login/result.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { partsOf } from './begin.ts'

const POLL = '/api/accounts/deviceauth/token'
const EXCHANGE = '/oauth/token'

describe('a login with a device code', () => {
  let fake: Fake
  beforeEach(async () => {
    fake = await createFakeOpenAI({ accounts: ['one'] })
  })
  afterEach(() => fake.close())

  const asked = (path: string) => fake.requests.filter((request) => request.path === path)

  async function begin(known?: Partial<LoginParts>) {
    const parts = partsOf(fake, known)
    const method = parts.provider.login.methods.find(({ kind }) => kind === 'deviceCode')
    if (method?.kind !== 'deviceCode') throw new Error('It has no device code.')
    return startDeviceCode(method, parts)
  }

  async function started(known?: Partial<LoginParts>) {
    const begun = await begin(known)
    if (!begun.ok) throw new Error(begun.message)
    return begun
  }

  /** A clock that moves only by the pauses, each of which may do something first. */
  function slowly(during: (pauses: number) => void = () => {}) {
    const { world } = partsOf(fake)
    const pauses: number[] = []
    const monotonic = () => pauses.reduce((sum, ms) => sum + ms, 0)
    const delay: typeof world.delay = async (ms, signal) => {
      pauses.push(ms)
      during(pauses.length)
      signal?.throwIfAborted()
    }
    return { pauses, world: { ...world, monotonic, delay } }
  }

  it('shows a code and a page, waits while nobody typed it in, and then gives tokens', async () => {
    const { pauses, world } = slowly((count) => {
      if (count === 3) fake.approveDevices()
    })
    const { url, userCode, finish } = await started({ world })
    expect([url, userCode]).toEqual([`${fake.origin}/codex/device`, 'FAKE-CODE'])
    const result = await finish()
    const one = fake.account('one')
    expect(result).toMatchObject({
      ok: true,
      login: { accountId: one.accountId, email: 'one@example.test', planTier: 'plus' },
    })
    expect(result.ok && result.login.userId).toContain(one.userId)
    expect(result.ok && result.login.refreshToken.reveal()).toBe(one.tokens().refreshToken)
    expect(pauses).toEqual([1_000, 1_000, 1_000])
    expect(asked(POLL).map(({ status }) => status)).toEqual([403, 403, 200])
    for (const canary of fake.canaries()) expect(JSON.stringify(result)).not.toContain(canary)
  })

  it('exchanges the code as a form with the redirect of the client', async () => {
    const { finish } = await started()
    fake.approveDevices()
    await finish()
    const [sent] = asked(EXCHANGE)
    expect(sent?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(Object.fromEntries(new URLSearchParams(sent?.bodyText))).toMatchObject({
      grant_type: 'authorization_code',
      redirect_uri: 'https://auth.openai.com/deviceauth/callback',
    })
  })

  it('gives up after 15 minutes', async () => {
    const { pauses, world } = slowly()
    const { finish } = await started({ world })
    expect(await finish()).toMatchObject({ ok: false, code: 'expired' })
    expect(pauses).toHaveLength(15 * 60)
  })

  it('stops in the middle of a pause when the host ends', async () => {
    const ending = new AbortController()
    const { world } = slowly((count) => {
      if (count === 2) ending.abort()
    })
    const { finish } = await started({ world, signal: ending.signal })
    expect(await finish()).toMatchObject({ ok: false, code: 'aborted' })
    expect(asked(POLL)).toHaveLength(1)
  })

  it('asks less often when it is told to, and bears a network that fails for a while', async () => {
    const { pauses, world } = slowly((count) => {
      if (count === 4) fake.approveDevices()
    })
    let polls = 0
    const fetch: typeof world.fetch = async (url, init) => {
      if (!url.endsWith(POLL)) return world.fetch(url, init)
      polls += 1
      if (polls === 1) return new Response(null, { status: 429 })
      if (polls === 2) throw new TypeError('fetch failed')
      if (polls === 3) return new Response('', { status: 503 })
      return world.fetch(url, init)
    }
    const { finish } = await started({ world: { ...world, fetch } })
    expect(await finish()).toMatchObject({ ok: true })
    expect(pauses).toEqual([1_000, 6_000, 6_000, 6_000])
  })

  it('ends at once when the provider says that the code is of no use', async () => {
    const { world } = slowly()
    const refuses: typeof world.fetch = async (url, init) =>
      url.endsWith(POLL)
        ? Response.json({ error: { code: 'expired_token' } }, { status: 400 })
        : world.fetch(url, init)
    const { finish } = await started({ world: { ...world, fetch: refuses } })
    const result = await finish()
    expect(result).toMatchObject({ ok: false, code: 'refused' })
    expect(result).toMatchObject({ message: expect.stringContaining('expired_token') })
  })

  it('says so when there is no code to be had', async () => {
    const { world } = partsOf(fake)
    const without = (response: () => Response) =>
      begin({ world: { ...world, fetch: async () => response() } })
    expect(await without(() => new Response('', { status: 404 }))).toMatchObject({
      ok: false,
      code: 'refused',
      message: expect.stringContaining('http_404'),
    })
    const unprintable = { device_auth_id: 'x', user_code: '\u001b[31mX', interval: 1 }
    expect(await without(() => Response.json(unprintable))).toMatchObject({ ok: false })
    await fake.close()
    expect(await begin()).toMatchObject({ ok: false, code: 'unavailable' })
  })
})
