import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as core from '../../src/core.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import { requestOf } from '../request/open-pool.ts'
import { PERSON, launchBrowser } from './browser.ts'

const BROWSER_MS = 60_000
const HOUR = 3_600_000
/** Beside it lies the page, as in the package. */
const CORE = new URL('../../dist/core.js', import.meta.url).href

describe('the live page of a real pool', { timeout: BROWSER_MS }, () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
  }, BROWSER_MS)

  afterAll(() => browser.close())

  it('shows a rate limit, and says when the pool is gone', async () => {
    const { createAccountPool }: typeof core = await import(CORE)
    const fake = await createFakeAnthropic({ accounts: ['acc1', 'acc2'] })
    const folder = await mkdtemp(join(tmpdir(), 'rota-page-'))
    const file = join(folder, 'accounts.json')
    await writeFile(file, JSON.stringify(fake.seed()), { mode: 0o600 })
    const settings = { endpoints: fake.endpoints }
    const pool = createAccountPool({ provider: 'anthropic', file, settings, inspect: true })
    const page = await browser.newPage(PERSON)
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto((await pool.inspector) ?? '')
    await page.getByText('2 of 2 ready').waitFor()

    fake.account('acc1').behave(LIMITED_UNTIL(Date.now() + 2 * HOUR))
    const [url, request] = requestOf(fake, 'talk')
    const response = await pool.fetch(url, request)
    await response.text()
    const card = page.locator('.card').filter({ hasText: 'acc1' })
    await card.getByText('Its 5-hour window is used up.').waitFor({ timeout: 10_000 })
    await page.getByText('1 of 2 ready').waitFor()
    expect(complaints).toEqual([])

    await pool.dispose()
    await page.getByRole('region', { name: 'Connection' }).waitFor()
    await fake.close()
    await rm(folder, { recursive: true, force: true })
  })
})
