import { readFile, readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createAccountPool } from '../../src/account-pool.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ANSWERS, LIMITED_UNTIL, REPLIES } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { findSecret } from '../canary/forms.ts'
import { type OpenPool, bodyOf, openPool, requestOf } from './open-pool.ts'

const HOUR = 3_600_000
const opened: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

const key = (name: string) => ({ name, isKey: true }) as const

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
] as const)('API keys of %s', (name, createFake) => {
  async function open(accounts: Parameters<typeof createFake>[0] = {}) {
    const fake = await createFake(accounts)
    opened.push(fake)
    const pool = await openPool(fake)
    opened.push(pool)
    return { fake, pool }
  }

  it('answer requests that are left as the host made them', async () => {
    const { fake, pool } = await open({ accounts: [key('kay')] })
    const { status, text, sent } = await ask(fake, pool)
    expect([status, fake.modelRequests()[0]?.bodyText]).toEqual([200, sent])
    expect(text).toContain('answered')
    expect(pool.status().accounts).toMatchObject([
      { label: 'kay', kind: 'apiKey', plan: 'API key', state: 'active' },
    ])
  })

  it('serve while no login can, and are limited and come back like any account', async () => {
    const { fake, pool } = await open({ accounts: [key('kay'), key('kim'), 'lou'] })
    fake.account('lou').behave(LIMITED_UNTIL(Date.now() + HOUR))
    fake.account('kay').behave(LIMITED_UNTIL(Date.now() + HOUR))
    expect((await ask(fake, pool)).status).toBe(200)
    expect(pool.asked()).toEqual(['lou', 'kay', 'kim'])
    const [kay, , lou] = pool.status().accounts
    expect(kay).toMatchObject({ state: 'rateLimited', why: 'the provider asked it to pause' })
    expect(lou).toMatchObject({ kind: 'subscription' })
    expect(kay?.backAt).toBeGreaterThan(Date.now() + HOUR - 10_000)
    expect(kay?.backAt).toBeLessThan(Date.now() + HOUR + 60_000)
  })

  it('are switched off with the reason when they are refused, and never renewed', async () => {
    const { fake, pool } = await open({ accounts: [key('kay'), key('kim')] })
    fake.account('kay').revoke()
    expect((await ask(fake, pool)).status).toBe(200)
    expect(pool.asked()).toEqual([undefined, 'kim'])
    expect(pool.status().accounts[0]).toMatchObject({
      state: 'disabled',
      why: expect.stringMatching(
        /^its API key is refused: .+[^.]\. Enter a new one, or enable it$/,
      ),
    })
    expect([fake.exchanges.length, await folders(pool)]).toEqual([0, []])
    expect(findSecret(JSON.stringify([pool.status(), pool.news, pool.said]))).toBe(undefined)
    await pool.dispose()

    const [entry] = JSON.parse(await readFile(pool.file, 'utf8')).accounts
    expect(entry).toMatchObject({ accessToken: fake.account('kay').apiKey, refreshToken: '' })
    const later = createAccountPool({ provider: fake.id, file: pool.file })
    await later.ready
    expect(later.status().accounts).toMatchObject([{ state: 'disabled' }, { state: 'active' }])
    await later.dispose()
  })

  it('are quoted nowhere when a gateway quotes them in its refusal', async () => {
    const { fake, pool } = await open({ accounts: [key('kay'), key('kim')] })
    const message = `No such key: ${fake.account('kay').apiKey}. ${'x'.repeat(300)}`
    fake.account('kay').behave(REPLIES(401, JSON.stringify({ error: { message } })))
    expect((await ask(fake, pool)).status).toBe(200)
    const { why } = pool.status().accounts[0] ?? {}
    expect(why).toContain('No such key: [secret].')
    const shown = [pool.status(), pool.news, pool.said]
    expect(findSecret(JSON.stringify(shown))).toBe(undefined)
    fake.account('kay').behave(ANSWERS)
  })

  it('keep the last one that is left, and hand the refusal on', async () => {
    const { fake, pool } = await open({ accounts: [key('kay')] })
    fake.account('kay').revoke()
    const { status, text } = await ask(fake, pool)
    expect([status, pool.stateOf('kay')]).toEqual([401, 'active'])
    expect(text).toMatch(/api[- ]key/i)
  })

  it('work without a file', async () => {
    const { fake } = await open({ accounts: [key('kay')] })
    const { apiKey } = fake.account('kay')
    const pool = createAccountPool({
      provider: fake.id,
      accounts: [{ uuid: 'k', label: 'kay', apiKey }],
      settings: { endpoints: fake.endpoints },
    })
    expect((await ask(fake, pool)).status).toBe(200)
    expect(pool.status().accounts).toMatchObject([{ label: 'kay', kind: 'apiKey' }])
    await pool.dispose()
  })

  it('that nobody pays for are switched off: billing', async () => {
    const { fake, pool } = await open({ accounts: [key('kay'), key('kim')] })
    fake.account('kay').behave(UNPAID[name])
    expect((await ask(fake, pool)).status).toBe(200)
    expect(pool.status().accounts[0]).toMatchObject({
      disabledReason: 'billing',
      why: expect.stringMatching(/^its organization does not pay for this: /),
    })
    fake.account('kay').behave(ANSWERS)
  })
})

describe('keys of OpenAI beside logins', () => {
  it('serve what logins cannot: a request without instructions', async () => {
    const fake = await createFakeOpenAI({ accounts: ['lou', key('kay')] })
    opened.push(fake)
    const pool = await openPool(fake)
    opened.push(pool)
    const { instructions: _, ...body } = bodyOf(fake)
    const [, init] = requestOf(fake, 'one', { body: JSON.stringify(body) })
    const send = async () => (await pool.fetch(`${fake.origin}/v1/responses`, init)).text()
    expect(await send()).toContain('answered')
    fake.account('kay').behave(LIMITED_UNTIL(Date.now() + HOUR))
    expect(await send()).toContain('rate_limit')
    expect(pool.asked()).toEqual(['kay', 'kay'])
    await ask(fake, pool)
    expect(pool.asked()).toEqual(['kay', 'kay', 'lou'])
  })

  it('say when they are back where only they can serve', async () => {
    const { send, fake, pool } = await openMixed()
    fake.account('kay').behave(LIMITED_UNTIL(Date.now() + HOUR))
    await send()
    expect(await send()).toMatch(
      /The only OpenAI API key is limited\. First back: kay .*asked it to pause/,
    )
    expect(pool.asked()).toEqual(['kay'])
  })

  it('are waited for where only they can serve', async () => {
    const { send, fake, pool } = await openMixed({
      short_retry_after_ms: 0,
      rate_limit_min_backoff_ms: 500,
    })
    fake.account('kay').behave(LIMITED_UNTIL(Date.now() + 1_000))
    expect(await send()).toContain('answered')
    expect(new Set(pool.asked())).toEqual(new Set(['kay']))
  })

  it('serve whatever a tool of the request is called', async () => {
    const { send, pool } = await openMixed()
    const parameters = { type: 'object', properties: { instructions: { type: 'string' } } }
    expect(await send({ tools: [{ type: 'function', name: 'brief', parameters }] })).toContain(
      'answered',
    )
    expect(pool.asked()).toEqual(['kay'])
  })
})

async function openMixed(settings = {}) {
  const fake = await createFakeOpenAI({ accounts: ['lou', key('kay')] })
  opened.push(fake)
  const pool = await openPool(fake, settings)
  opened.push(pool)
  const { instructions: _, ...body } = bodyOf(fake)
  const send = async (more = {}) => {
    const [, init] = requestOf(fake, 'one', { body: JSON.stringify({ ...body, ...more }) })
    return (await pool.fetch(`${fake.origin}/v1/responses`, init)).text()
  }
  return { fake, pool, send }
}

const UNPAID = {
  Anthropic: REPLIES(
    400,
    JSON.stringify({
      error: { type: 'invalid_request_error', message: 'Your credit balance is too low.' },
    }),
  ),
  OpenAI: REPLIES(
    429,
    JSON.stringify({
      error: { code: 'insufficient_quota', message: 'You exceeded your current quota.' },
    }),
  ),
}

/** The request goes to the public API, which here is the fake. */
async function ask(fake: Fake, pool: Pick<OpenPool, 'fetch'>) {
  const [url, init, sent] = requestOf(fake, 'one')
  const response = await pool.fetch(fake.origin + new URL(url).pathname, init)
  return { status: response.status, text: await response.text(), sent }
}

async function folders(pool: OpenPool): Promise<readonly string[]> {
  const entries = await readdir(dirname(pool.file), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}
