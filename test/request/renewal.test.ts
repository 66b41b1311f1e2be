import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { secret } from '../../src/secret.ts'
import { createFileJournal } from '../../src/store/file-journal.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import {
  CUT_AFTER_COMMIT,
  CUT_BEFORE_COMMIT,
  KEEPS_THE_REFRESH_TOKEN,
  REFUSES,
  ROTATES,
  ROTATES_SLOWLY,
  UNAVAILABLE,
} from '../fake/token-behaviors.ts'
import { type OpenPool, openPool } from './open-pool.ts'
import { createOpened } from './opened.ts'

const { keep, start, closeAll } = createOpened()

afterEach(closeAll)

const PROVIDERS = [
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
] as const

describe.each(PROVIDERS)('a token that has ended (%s)', (_, createFake) => {
  it('is renewed again and again when the provider does not rotate the refresh token', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }))
    fake.behaveOnExchange(KEEPS_THE_REFRESH_TOKEN)
    const other = await open(fake, pool)
    for (let renewals = 1; renewals <= 3; renewals++) {
      fake.account('a').expire()
      expect((await pool.ask()).status).toBe(200)
      expect((await other.ask()).status).toBe(200)
      expect(fake.exchanges).toHaveLength(renewals)
    }
  })

  it('is renewed at the second attempt when the connection broke before anything was spent', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }))
    fake.behaveOnExchange(CUT_BEFORE_COMMIT())
    fake.account('a').expire()
    expect((await pool.ask()).text).toContain('answered by a')
    expect(outcomes(fake)).toEqual(['cut', 'rotated'])
  })

  it('says in a sentence that the provider could not be asked', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a', 'b'] }))
    fake.behaveOnExchange(UNAVAILABLE(9))
    fake.account('a').expire()
    expect((await pool.ask()).text).toContain('answered by b')
    const failures = pool.news.flatMap((news) => (news.type === 'token.failed' ? news.why : []))
    expect(new Set(failures)).toEqual(
      new Set(['the provider could not be asked (HTTP 503 temporarily_unavailable)']),
    )
  })

  it('needs a login when the answer was lost, says why, and is sent no third time', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a', 'b'] }))
    const other = await open(fake, pool)
    fake.behaveOnExchange(CUT_AFTER_COMMIT())
    fake.account('a').expire()
    expect((await pool.ask()).text).toContain('answered by b')
    expect(outcomes(fake)).toEqual(['rotated', 'reused'])
    const [a] = pool.status().accounts
    expect(a).toMatchObject({ label: 'a', state: 'disabled', disabledReason: 'lost' })
    expect(a?.why).toBe(
      'it needs a new login: a renewal of its token was cut off, and the new token may be lost' +
        ': an earlier renewal was cut off, and now the provider answers "invalid_grant"',
    )
    await expect.poll(() => other.stateOf('a')).toBe('disabled')
    expect((await other.ask()).text).toContain('answered by b')
    expect(fake.exchanges).toHaveLength(2)
  })

  it('tells a person who has no other account how to repair it', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }))
    fake.behaveOnExchange(CUT_AFTER_COMMIT())
    fake.account('a').expire()
    const { status, text } = await pool.ask()
    expect(status).toBe(400)
    expect(text).toContain('a renewal of its token was cut off')
    expect(text).toContain('opencode auth login')
  })

  it('is tried again by anybody when the endpoint was in trouble, which is nobody’s fault', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }), { max_wait_ms: 0 })
    const other = await open(fake, pool)
    fake.behaveOnExchange(UNAVAILABLE(2))
    fake.account('a').expire()
    expect((await pool.ask()).status).toBe(429)
    expect(pool.stateOf('a')).toBe('authFailing')
    await pool.dispose()
    expect(other.stateOf('a')).toBe('active')
    expect((await other.ask()).text).toContain('answered by a')
    expect(outcomes(fake)).toEqual(['refused', 'refused', 'rotated'])
    expect(other.status().accounts[0]?.disabledReason).toBeUndefined()
  })

  it('is tried at once by the next request when it is the only account: the network may be back', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }), { max_wait_ms: 0 })
    fake.behaveOnExchange(UNAVAILABLE(2))
    fake.account('a').expire()
    expect((await pool.ask()).status).toBe(429)
    expect((await pool.ask()).text).toContain('answered by a')
  })

  it('is sent once when two entries of the file hold it', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a'] }))
    await pool.dispose()
    const text = readFileSync(pool.file, 'utf8')
    const file: { accounts: { uuid: string; label: string }[] } = JSON.parse(text)
    const [first] = file.accounts
    const twin = { ...first, uuid: 'twin', label: 'twin' }
    fake.account('a').expire()
    writeFileSync(pool.file, JSON.stringify({ ...file, accounts: [first, twin] }), { mode: 0o600 })
    const both = await open(fake, pool)
    const [one, two] = await Promise.all([both.ask('one'), both.ask('two')])
    expect([one?.status, two?.status]).toEqual([200, 200])
    expect(outcomes(fake)).toEqual(['rotated'])
  })
})

describe.each(PROVIDERS)('a refused login (%s)', (_, createFake) => {
  it('is never sent again by anybody, and stays in the file with its label', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a', 'b'] }))
    const other = await open(fake, pool)
    fake.behaveOnExchange(REFUSES(400, 'invalid_grant'))
    fake.account('a').expire()
    expect((await pool.ask()).text).toContain('answered by b')
    await expect.poll(() => other.stateOf('a')).toBe('disabled')
    await other.ask()
    const third = await open(fake, pool)
    await third.ask()
    expect(outcomes(fake)).toEqual(['refused'])
    expect(third.status().accounts[0]).toMatchObject({
      label: 'a',
      disabledReason: 'revoked',
      why: 'it needs a new login: the provider no longer accepts its login ("invalid_grant")',
    })
  })

  it('is repaired in every process by a login in one of them', async () => {
    const { pool, fake } = await start(createFake({ accounts: ['a', 'b'] }))
    const other = await open(fake, pool)
    fake.behaveOnExchange(REFUSES(400, 'invalid_grant'))
    fake.account('a').expire()
    await pool.ask()
    await expect.poll(() => other.stateOf('a')).toBe('disabled')
    fake.behaveOnExchange(ROTATES)
    writeFreshLogin(fake, pool)
    await expect.poll(() => pool.stateOf('a'), { timeout: 3_000 }).toBe('active')
    await expect.poll(() => other.stateOf('a'), { timeout: 3_000 }).toBe('active')
  })
})

describe('tokens that have ended when the pool opens', () => {
  it('are renewed three at a time, and the first request of a usable account waits for none', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'usable']
    const fake = await createFakeAnthropic({ accounts: names })
    keep(fake)
    const seed = fake.seed()
    const accounts = seed.accounts.map((account) => {
      if (account.label === 'usable') return account
      // One of them was never used: it has no access token at all.
      const { accessToken, ...rest } = account
      return account.label === 'a' ? rest : { ...rest, accessToken, expiresAt: Date.now() - 1_000 }
    })
    const hold = new AbortController()
    const held = once(hold.signal, 'abort')
    const pool = await openPool(
      fake,
      {},
      {
        fetch: async (url, init) => {
          if (url === fake.endpoints.token) await held
          return fetch(url, init)
        },
        seed: { ...seed, accounts },
      },
    )
    keep(pool)
    expect((await pool.ask()).text).toContain('answered by usable')
    const renewing = () => pool.status().accounts.filter((account) => account.renewing)
    await expect.poll(() => renewing().length).toBe(3)
    expect(fake.exchanges).toEqual([])
    hold.abort()
    await expect.poll(() => fake.exchanges.length).toBe(5)
    await expect.poll(() => renewing()).toEqual([])
    expect(fake.reuses()).toBe(0)
  })
})

describe('a renewed token', () => {
  it('that reached the journal and not the accounts file is used all the same', async () => {
    const fake = await createFakeAnthropic({ accounts: ['a'] })
    keep(fake)
    const before = JSON.stringify(fake.seed())
    const pool = await openPool(fake)
    keep(pool)
    fake.account('a').expire()
    await pool.ask()
    await pool.dispose()
    // As after a crash between the two writes.
    writeFileSync(pool.file, before, { mode: 0o600 })
    const next = await open(fake, pool)
    expect((await next.ask()).status).toBe(200)
    expect(fake.exchanges).toHaveLength(1)
    const { accounts } = JSON.parse(readFileSync(pool.file, 'utf8'))
    expect(accounts[0].refreshToken).toBe(fake.seed().accounts[0]?.refreshToken)
  })

  it('follows through several renewals that only the journal knows', async () => {
    const fake = await createFakeAnthropic({ accounts: ['a'] })
    keep(fake)
    const before = JSON.stringify(fake.seed())
    const pool = await openPool(fake)
    keep(pool)
    for (let renewals = 1; renewals <= 3; renewals++) {
      fake.account('a').expire()
      await pool.ask()
    }
    await pool.dispose()
    writeFileSync(pool.file, before, { mode: 0o600 })
    const next = await open(fake, pool)
    expect((await next.ask()).status).toBe(200)
    expect(fake.exchanges).toHaveLength(3)
    expect(next.status().accounts[0]?.state).toBe('active')
  })

  it('does not replace what a login brought in the meantime', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }))
    fake.behaveOnExchange(ROTATES_SLOWLY(0, 300))
    fake.account('a').expire()
    const asked = pool.ask()
    await expect.poll(() => fake.exchanges.length).toBe(1)
    const login = writeFreshLogin(fake, pool)
    expect((await asked).status).toBe(200)
    await pool.dispose()
    const { accounts } = JSON.parse(readFileSync(pool.file, 'utf8'))
    expect(accounts[0].refreshToken).toBe(login.refreshToken)
  })

  it('is kept even when the pool is closed while it is on its way', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }))
    fake.behaveOnExchange(ROTATES_SLOWLY(0, 300))
    fake.account('a').expire()
    const asked = pool.ask()
    await expect.poll(() => fake.exchanges.length).toBe(1)
    await pool.dispose()
    await asked
    const { accounts } = JSON.parse(readFileSync(pool.file, 'utf8'))
    expect(accounts[0].refreshToken).toBe(fake.seed().accounts[0]?.refreshToken)
  })
})

describe('a token that another process is renewing', () => {
  it('is waited for, and its answer used', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a'] }))
    const other = await open(fake, pool)
    fake.behaveOnExchange(ROTATES_SLOWLY(0, 500))
    fake.account('a').expire()
    const answers = await Promise.all([pool.ask(), other.ask()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(fake.exchanges).toHaveLength(1)
  })

  it('is not spent while that process holds the ticket, whatever it does', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a', 'b'] }))
    const folder = join(dirname(pool.file), 'multiauth-refresh')
    const token = secret(fake.seed().accounts[0]?.refreshToken ?? '')
    await createFileJournal(folder).claim(token)
    fake.account('a').expire()
    const asking = new AbortController()
    const asked = pool.ask('one', { signal: asking.signal }).catch((error: unknown) => error)
    await expect.poll(() => pool.status().accounts[0]?.renewing).toBe(true)
    // Nobody else has to wait for it.
    expect((await pool.ask('two')).text).toContain('answered by b')
    asking.abort('enough')
    expect(await asked).toBe('enough')
    expect(fake.exchanges).toEqual([])
  })
})

describe('a disk that takes no ticket', () => {
  it('keeps the refresh token unspent, and the access token in use while it lasts', async () => {
    const { pool, fake } = await start(createFakeAnthropic({ accounts: ['a', 'b'] }))
    writeFileSync(join(dirname(pool.file), 'multiauth-refresh'), 'a file in the way')
    expect((await pool.ask()).text).toContain('answered by a')
    fake.account('a').expire()
    expect((await pool.ask()).text).toContain('answered by b')
    expect(fake.exchanges).toEqual([])
    expect(pool.status().accounts[0]?.disabledReason).toBeUndefined()
  })
})

function outcomes(fake: Fake): readonly string[] {
  return fake.exchanges.map(({ outcome }) => outcome)
}

/** A new login of account a, as `opencode auth login` in another process would write it. */
function writeFreshLogin(fake: Fake, pool: OpenPool) {
  const file = JSON.parse(readFileSync(pool.file, 'utf8'))
  const { refreshToken, accessToken, expiresAt } = fake.account('a').login()
  const [account, ...others] = file.accounts
  const repaired = {
    ...account,
    refreshToken,
    accessToken,
    expiresAt,
    tokenVersion: (account.tokenVersion ?? 0) + 1,
    isAuthDisabled: false,
    authDisabledReason: undefined,
    disabledReason: undefined,
    consecutiveAuthFailures: 0,
  }
  const text = JSON.stringify({ ...file, rev: file.rev + 1, accounts: [repaired, ...others] })
  writeFileSync(pool.file, text, { mode: 0o600 })
  return repaired
}

/** Another pool on the same file, as another process has it. */
async function open(fake: Fake, { file }: OpenPool): Promise<OpenPool> {
  const pool = await openPool(fake, { token_failure_backoff_ms: 1_000 }, { file })
  keep(pool)
  return pool
}
