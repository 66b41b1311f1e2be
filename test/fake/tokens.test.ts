import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from './anthropic.ts'
import type { Fake } from './fake.ts'
import { type Json, isObject, textOf } from './json.ts'
import { createFakeOpenAI } from './openai.ts'
import {
  CUT_AFTER_COMMIT,
  CUT_BEFORE_COMMIT,
  REFUSES,
  ROTATES,
  ROTATES_SLOWLY,
  UNAVAILABLE,
} from './token-behaviors.ts'

const ANTHROPIC_CLIENT = '9d1c250a-e61b-44d9-88ed-5944d1962f5e'
const OPENAI_CLIENT = 'app_EMoamEEZ73f0CkXaXp7hrann'
const VERIFIER = 'v'.repeat(43)
const ANTHROPIC_QUERY = {
  redirect_uri: 'http://localhost:1/callback',
  scope: 'org:create_api_key user:profile user:inference',
}
const OPENAI_QUERY = {
  redirect_uri: 'http://localhost:1455/auth/callback',
  scope: 'openid profile email offline_access',
  id_token_add_organizations: 'true',
  codex_cli_simplified_flow: 'true',
  originator: 'opencode',
}

describe.each([
  {
    name: 'Anthropic',
    start: createFakeAnthropic,
    client: ANTHROPIC_CLIENT,
    asks: ANTHROPIC_QUERY,
    isForm: false,
  },
  {
    name: 'OpenAI',
    start: createFakeOpenAI,
    client: OPENAI_CLIENT,
    asks: OPENAI_QUERY,
    isForm: true,
  },
])("$name's fake token endpoint", ({ start, client, asks, isForm }) => {
  let fake: Fake
  beforeEach(async () => {
    fake = await start({ accounts: ['a'] })
  })
  afterEach(() => fake.close())

  it('gives a new pair for a refresh token, and the new access token is accepted', async () => {
    const old = fake.account('a').tokens()
    fake.account('a').expire()
    expect(await usageStatus(old.accessToken)).toBe(401)
    const { status, body } = await refresh(old.refreshToken)
    expect(status).toBe(200)
    expect(body['refresh_token']).not.toBe(old.refreshToken)
    expect(await usageStatus(String(body['access_token']))).toBe(200)
    expect(fake.exchanges).toMatchObject([{ account: 'a', outcome: 'rotated' }])
  })

  it('revokes the whole family when a refresh token is used twice', async () => {
    const old = fake.account('a').tokens()
    const { body } = await refresh(old.refreshToken)
    expect((await refresh(old.refreshToken)).status).toBe(400)
    expect((await refresh(String(body['refresh_token']))).status).toBe(400)
    expect(await usageStatus(String(body['access_token']))).toBe(401)
    expect(fake.reuses()).toBe(1)
    expect(fake.exchanges.map(({ outcome }) => outcome)).toEqual(['rotated', 'reused', 'revoked'])
  })

  it('lets only one of many parallel exchanges win', async () => {
    fake.behaveOnExchange(ROTATES_SLOWLY(20, 20))
    const { refreshToken } = fake.account('a').tokens()
    const all = await Promise.all(Array.from({ length: 8 }, () => refresh(refreshToken)))
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('spends nothing while it is unavailable', async () => {
    fake.behaveOnExchange(UNAVAILABLE(1))
    const { refreshToken } = fake.account('a').tokens()
    expect((await refresh(refreshToken)).status).toBe(503)
    expect((await refresh(refreshToken)).status).toBe(200)
  })

  it('spends nothing when the connection is cut before, or when it was told to refuse', async () => {
    const { refreshToken } = fake.account('a').tokens()
    fake.behaveOnExchange(CUT_BEFORE_COMMIT())
    await expect(refresh(refreshToken)).rejects.toThrow('fetch failed')
    fake.behaveOnExchange(REFUSES(400, 'invalid_grant'))
    expect(await refresh(refreshToken)).toMatchObject({ status: 400 })
    fake.behaveOnExchange(ROTATES)
    expect((await refresh(refreshToken)).status).toBe(200)
    expect(fake.exchanges.map(({ outcome }) => outcome)).toEqual(['cut', 'refused', 'rotated'])
  })

  it('can lose the answer after the token was spent', async () => {
    fake.behaveOnExchange(CUT_AFTER_COMMIT())
    const { refreshToken } = fake.account('a').tokens()
    await expect(refresh(refreshToken)).rejects.toThrow('fetch failed')
    expect((await refresh(refreshToken)).status).toBe(400)
    expect(fake.reuses()).toBe(1)
  })

  it('refuses a body of the wrong kind, an unknown client and an unknown token', async () => {
    const { refreshToken } = fake.account('a').tokens()
    const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: client }
    expect((await post(fields, !isForm)).status).toBe(400)
    expect((await post({ ...fields, client_id: 'other' })).status).toBe(400)
    expect((await post({ ...fields, refresh_token: 'other' })).status).toBe(400)
    expect((await post(fields)).status).toBe(200)
  })

  it('logs in whoever the test names, by authorize page and PKCE', async () => {
    fake.loginAs('new')
    const query = new URLSearchParams({
      client_id: client,
      response_type: 'code',
      ...asks,
      state: 'st',
      code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const page = await fetch(`${fake.endpoints.authorize}?${query.toString()}`, {
      redirect: 'manual',
    })
    const target = new URL(page.headers.get('location') ?? '')
    expect(target.searchParams.get('state')).toBe('st')
    const fields = {
      grant_type: 'authorization_code',
      code: target.searchParams.get('code') ?? '',
      client_id: client,
      redirect_uri: asks.redirect_uri,
      code_verifier: VERIFIER,
    }
    const { body } = await post(fields)
    expect(await usageStatus(String(body['access_token']))).toBe(200)
    expect((await post(fields)).status).toBe(400)
    expect(fake.accounts().map(({ name }) => name)).toEqual(['a', 'new'])
  })

  it('sends nobody to an address that is not registered', async () => {
    const known = {
      client_id: client,
      response_type: 'code',
      ...asks,
      state: 'st',
      code_challenge: 'c',
      code_challenge_method: 'S256',
    }
    for (const wrong of ['https://evil.test/callback', `${asks.redirect_uri}/`]) {
      const query = new URLSearchParams({ ...known, redirect_uri: wrong })
      const page = await fetch(`${fake.endpoints.authorize}?${query.toString()}`)
      expect(page.status).toBe(400)
    }
  })

  it('writes an accounts file and knows every secret it gave out', async () => {
    const { refreshToken } = fake.account('a').tokens()
    await refresh(refreshToken)
    const seeded = fake.seed()
    expect(seeded).toMatchObject({ version: 1, accounts: [{ label: 'a', enabled: true }] })
    const [account] = seeded.accounts
    expect(account?.refreshToken).not.toBe(refreshToken)
    expect(fake.canaries()).toContain(refreshToken)
    expect(fake.canaries()).toContain(account?.accessToken)
  })

  function refresh(refreshToken: string) {
    return post({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: client })
  }

  async function post(fields: Readonly<Record<string, string>>, asForm = isForm) {
    const body = asForm ? new URLSearchParams(fields) : JSON.stringify(fields)
    const headers: Record<string, string> = asForm ? {} : { 'content-type': 'application/json' }
    const response = await fetch(fake.endpoints.token, { method: 'POST', headers, body })
    const answer: unknown = await response.json()
    return { status: response.status, body: isObject(answer) ? answer : ({} satisfies Json) }
  }

  async function usageStatus(accessToken: string): Promise<number> {
    const headers = {
      authorization: `Bearer ${accessToken}`,
      'chatgpt-account-id': fake.account('a').accountId,
      'anthropic-beta': 'oauth-2025-04-20',
    }
    return (await fetch(fake.endpoints.usage, { headers })).status
  }
})

describe("OpenAI's fake device login", () => {
  it('waits for the person, then gives a code that can be exchanged', async () => {
    const fake = await createFakeOpenAI({ accounts: ['a'] })
    const device = await postJson(fake, 'usercode', { client_id: OPENAI_CLIENT })
    const poll = { device_auth_id: device['device_auth_id'], user_code: device['user_code'] }
    expect(await postJson(fake, 'token', poll)).toHaveProperty('error')
    fake.approveDevices()
    const granted = await postJson(fake, 'token', poll)
    const tokens = await fetch(fake.endpoints.token, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: OPENAI_CLIENT,
        code: textOf(granted['authorization_code']) ?? '',
        code_verifier: textOf(granted['code_verifier']) ?? '',
        redirect_uri: 'https://auth.openai.com/deviceauth/callback',
      }),
    })
    expect(tokens.status).toBe(200)
    await fake.close()
  })
})

async function postJson(fake: Fake, step: string, body: object): Promise<Json> {
  const url = `${fake.origin}/api/accounts/deviceauth/${step}`
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  const answer: unknown = await response.json()
  return isObject(answer) ? answer : {}
}
