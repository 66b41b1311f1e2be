import { readFileSync, readdirSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import { type OpenPool, openPool } from '../request/open-pool.ts'
import { type DiskStep, fault, listening } from '../store/disk.ts'

vi.mock('node:fs', async (actual) => (await import('../store/disk.ts')).shown(await actual()))
vi.mock('node:fs/promises', async (actual) =>
  (await import('../store/disk.ts')).shown(await actual()),
)

/** The calls that need what the disk does not give. */
const DISKS = [
  ['full', 'ENOSPC', /^(open to write|mkdir|writeFile|file\.(write|sync))/],
  ['read-only', 'EROFS', /^(open to write|mkdir|writeFile|file\.write|rename|rm|link|utimes)/],
  ['without open files', 'EMFILE', /^(open|read|writeFile)/],
] as const

const opened: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

describe.each(DISKS)('a pool on a disk that is %s', (_, code, needs) => {
  const broken = {
    before(step: DiskStep) {
      if (needs.test(nameOf(step))) throw fault(code)
    },
  }

  it('serves requests with the tokens it has in memory', async () => {
    const { pool, fake } = await start(['a', 'b'])
    const answers = await listening(broken, async () => [await pool.ask(), await pool.ask('other')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(fake.exchanges).toEqual([])
  })

  it('spends no token that it could not keep, and serves with another account', async () => {
    const { pool, fake } = await start(['a', 'b'])
    fake.account('a').expire()
    const answers = await listening(broken, async () => [await pool.ask(), await pool.ask()])
    expect(answers.map(({ text }) => text.includes('answered by b'))).toEqual([true, true])
    expect(fake.exchanges).toEqual([])
  })

  it('renews the token of its only account as soon as the disk takes it, and says why not', async () => {
    const { pool, fake } = await start(['a'], { token_failure_backoff_ms: 1_000 })
    fake.account('a').expire()
    const asking = await listening(broken, async () => {
      const answer = pool.ask()
      await expect.poll(() => whyNot(pool), SOON).toContain(code)
      expect(fake.exchanges).toEqual([])
      return { answer }
    })
    expect((await asking.answer).text).toContain('answered by a')
    expect(fake.exchanges).toHaveLength(1)
    await pool.dispose()
    expect(JSON.parse(readFileSync(pool.file, 'utf8'))).toMatchObject({
      accounts: [{ tokenVersion: 1 }],
    })
  })

  it('follows what it learns, and writes it down when it is over', async () => {
    const { pool, fake } = await start(['a', 'b'])
    const until = Date.now() + 3_600_000
    fake.account('a').behave(LIMITED_UNTIL(until))
    await listening(broken, async () => {
      expect((await pool.ask()).text).toContain('answered by b')
      await expect.poll(() => pool.said.join(), SOON).toContain(code)
      expect((await pool.ask()).text).toContain('answered by b')
    })
    expect(pool.stateOf('a')).toBe('rateLimited')
    fake.account('b').behave(LIMITED_UNTIL(until))
    await pool.ask()
    await pool.dispose()
    const file: { accounts: { rateLimitResetAt?: number }[] } = JSON.parse(
      readFileSync(pool.file, 'utf8'),
    )
    for (const { rateLimitResetAt = 0 } of file.accounts) {
      expect(rateLimitResetAt).toBeGreaterThanOrEqual(until - 1_000)
    }
    expect(
      readdirSync(pool.folder).filter((name) => /\.(tmp|lock|lock-owner)$/.test(name)),
    ).toEqual([])
  })
})

function whyNot(pool: OpenPool): string {
  return pool.news.map((news) => (news.type === 'token.failed' ? news.why : '')).join()
}

const SOON = { timeout: 10_000, interval: 100 }

async function start(accounts: readonly string[], settings = {}) {
  const fake = await createFakeAnthropic({ accounts })
  opened.push(fake)
  const pool: OpenPool = await openPool(fake, settings)
  opened.push(pool)
  return { pool, fake }
}

function nameOf({ call, args }: DiskStep): string {
  return call === 'open' && /^[wr]\+?x?$/.test(String(args[1])) && args[1] !== 'r'
    ? 'open to write'
    : call
}
