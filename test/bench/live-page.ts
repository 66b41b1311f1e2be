import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import { launchBrowser } from '../page/browser.ts'
import { requestOf } from '../request/open-pool.ts'
import { createAccountPool } from './built.ts'
import type { Row } from './table.ts'

const HOUR = 3_600_000
const ROUNDS = 5

/** From a request that meets a limit to the words in a real Chromium; the slowest of a few. */
export async function measureLivePage(): Promise<Row[]> {
  const browser = await launchBrowser()
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) times.push(await timeToSee(browser))
  await browser.close()
  const measured = Math.max(...times)
  return [
    { what: 'a limit is on the live page', measured, unit: 'ms', target: 1_000, bare: undefined },
  ]
}

async function timeToSee(browser: Awaited<ReturnType<typeof launchBrowser>>): Promise<number> {
  const fake = await createFakeAnthropic({ accounts: ['acc1', 'acc2'] })
  const folder = await mkdtemp(join(tmpdir(), 'rota-bench-'))
  const file = join(folder, 'accounts.json')
  await writeFile(file, JSON.stringify(fake.seed()), { mode: 0o600 })
  const settings = { endpoints: fake.endpoints }
  const pool = createAccountPool({ provider: 'anthropic', file, settings, inspect: true })
  const page = await browser.newPage()
  await page.goto((await pool.inspector) ?? '')
  await page.getByText('2 of 2 ready').waitFor()
  fake.account('acc1').behave(LIMITED_UNTIL(Date.now() + HOUR))
  const [url, request] = requestOf(fake, 'talk')
  const started = performance.now()
  const answered = pool.fetch(url, request)
  await page.getByText('1 of 2 ready').waitFor()
  const ms = performance.now() - started
  await (await answered).text()
  await page.close()
  await pool.dispose()
  await fake.close()
  await rm(folder, { recursive: true, force: true })
  return ms
}
