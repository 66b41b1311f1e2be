import { copyFileSync, readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import { openPool } from '../request/open-pool.ts'

const opened: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

it('writes again what it had written when an older accounts file is put in its place', async () => {
  const fake = await createFakeAnthropic({ accounts: ['a', 'b'] })
  opened.push(fake)
  const pool = await openPool(fake)
  opened.push(pool)
  fake.account('a').expire()
  expect((await pool.ask()).text).toContain('answered by a')
  await expect.poll(() => inFile(pool.file), SOON).toMatchObject([{ tokenVersion: 1 }, {}])
  copyFileSync(pool.file, `${pool.file}.mine`)

  const until = Math.ceil(Date.now() / 1_000) * 1_000 + 3_600_000
  fake.account('a').behave(LIMITED_UNTIL(until))
  expect((await pool.ask()).text).toContain('answered by b')
  fake.account('b').expire()
  expect((await pool.ask()).text).toContain('answered by b')
  const newest = [{ rateLimitResetAt: expect.any(Number) }, { tokenVersion: 1 }]
  await expect.poll(() => inFile(pool.file), SOON).toMatchObject(newest)

  copyFileSync(`${pool.file}.mine`, pool.file)
  expect(inFile(pool.file)).not.toMatchObject(newest)
  await expect.poll(() => inFile(pool.file), SOON).toMatchObject(newest)
  await expect.poll(() => pool.said.join(), SOON).toContain('was set back from revision')
  expect((await pool.ask()).text).toContain('answered by b')
  expect(fake.exchanges).toHaveLength(2)
})

const SOON = { timeout: 5_000, interval: 10 }

function inFile(file: string): unknown {
  const text: { accounts: unknown } = JSON.parse(readFileSync(file, 'utf8'))
  return text.accounts
}
