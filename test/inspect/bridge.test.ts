import type { Browser, Page } from 'playwright-core'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { launchBrowser } from '../page/browser.ts'
import { type OpenPool, openPool } from '../request/open-pool.ts'

const HOUR = 3_600_000
/** Greets like the real one, and keeps what it is sent. */
const FAKE_STATELY = `<!doctype html><title>fake</title><script>
window.got = []
addEventListener('message', (event) => got.push([event.origin, event.data]))
parent.postMessage({ type: '@statelyai.connected' }, '*')
</script>`

describe('the bridge to the Stately inspector, in a browser', { timeout: 30_000 }, () => {
  let fake: Fake
  let pool: OpenPool
  let browser: Browser
  let page: Page
  const asked: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    fake = await createFakeAnthropic({ accounts: ['acc1', 'acc2'] })
    pool = await openPool(fake, {}, { inspect: true })
    browser = await launchBrowser()
    page = await browser.newPage()
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.route(/^https:/, (route) => {
      asked.push(`${route.request().url()} ${route.request().headers()['referer'] ?? ''}`)
      return route.fulfill({ contentType: 'text/html', body: FAKE_STATELY })
    })
  }, 30_000)

  afterAll(async () => {
    await browser.close()
    await pool.close()
    await fake.close()
  })

  it('loads nothing before the person agrees, and then sends what the machines do', async () => {
    const address = (await pool.inspector) ?? ''
    await page.goto(`${address}stately`)
    expect(await page.textContent('main')).toContain('needs the internet')
    expect(asked).toEqual([])
    await page.click('button')
    const frame = () => page.frames().find((each) => each.url().startsWith('https://stately.ai/'))
    const got = async () => JSON.stringify((await frame()?.evaluate('got')) ?? [])
    await expect.poll(got, { timeout: 10_000 }).toContain('"name":"claims"')
    expect(asked).toEqual(['https://stately.ai/inspect '])

    fake.account('acc1').behave(LIMITED_UNTIL(Date.now() + HOUR))
    await pool.ask()
    await expect.poll(got, { timeout: 5_000 }).toContain('request.limited')
    const token = new URL(address).pathname.replaceAll('/', '')
    expect(await got()).not.toContain(token)
    const { origin } = new URL(address)
    const messages: [string, { type: string }][] = JSON.parse(await got())
    expect(new Set(messages.map(([from]) => from))).toEqual(new Set([origin]))
    expect(messages.every(([, { type }]) => type.startsWith('@xstate.'))).toBe(true)
    expect(complaints).toEqual([])
  })

  it('begins anew when the inspector was loaded anew, and heeds no other greeting', async () => {
    const frame = page.frames().find((each) => each.url().startsWith('https://stately.ai/'))
    await frame?.evaluate('got.length = 0, location.reload()')
    const names = `got.flatMap(([, { name }]) => name ? [name.split(':')[0]] : [])`
    const again = async () => {
      const loaded = page.frames().find((each) => each.url().startsWith('https://stately.ai/'))
      return loaded?.evaluate(names).catch(() => [])
    }
    const all = ['pool', 'account', 'account', 'claims']
    await expect.poll(again, { timeout: 10_000 }).toEqual(all)
    await page.evaluate(`postMessage({ type: '@statelyai.connected' }, '*')`)
    const texts = async () => {
      const loaded = page.frames().find((each) => each.url().startsWith('https://stately.ai/'))
      return v.parse(
        v.array(v.string()),
        await loaded?.evaluate('got.map((each) => JSON.stringify(each))'),
      )
    }
    const before = await texts()
    fake.account('acc2').behave(LIMITED_UNTIL(Date.now() + HOUR))
    await pool.ask()
    await expect.poll(texts, { timeout: 5_000 }).not.toEqual(before)
    const after = await texts()
    expect(new Set(after).size).toBe(after.length)
    expect(await again()).toEqual(all)
  })
})
