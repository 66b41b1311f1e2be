import { readFile } from 'node:fs/promises'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Picture } from '../../src/inspect/picture.ts'
import { PERSON, launchBrowser } from './browser.ts'
import { findFaint } from './contrast.ts'
import { NOW, accountOf, limitedOf, pictureOf, poolOf, wholePicture } from './pictures.ts'
import { type PageServer, servePage } from './server.ts'

const BROWSER_MS = 60_000
/** Without its charts. */
const LARGEST_PAGE = 60_000

let browser: Browser
let server: PageServer
let page: Page

beforeAll(async () => {
  browser = await launchBrowser()
}, BROWSER_MS)

afterAll(() => browser.close())

afterEach(async () => {
  await page.context().close()
  await server.close()
})

async function open(picture: Picture, person: BrowserContextOptions = {}): Promise<void> {
  server = await servePage(picture)
  const context = await browser.newContext({ ...PERSON, ...person })
  page = await context.newPage()
  await page.clock.setFixedTime(NOW)
  await page.goto(server.url)
  await page.locator('.chart [data-id][data-live]').first().waitFor()
}

describe('how the live page looks', { timeout: BROWSER_MS }, () => {
  it.each(['light', 'dark'] as const)('has enough contrast in %s colours', async (colorScheme) => {
    await open(wholePicture(), { colorScheme, reducedMotion: 'reduce' })
    const { seen, faint } = await findFaint(page)
    expect(faint).toEqual([])
    expect(seen).toBeGreaterThan(100)

    await page.getByRole('button', { name: 'home' }).hover()
    server.breakOff()
    await page.getByRole('region', { name: 'Connection' }).waitFor()
    expect((await findFaint(page)).faint).toEqual([])
    // Grey keeps the brightness of a colour, and with it the contrast.
    const filter = await page.locator('main').evaluate((main) => getComputedStyle(main).filter)
    expect(filter).toBe('grayscale(1)')
  })

  it('follows the colours that the person prefers, also while it is open', async () => {
    await open(wholePicture(), { colorScheme: 'light' })
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await ground()
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await ground()).not.toBe(light)
  })

  it('moves nothing for who wants less motion', async () => {
    await open(wholePicture(), { reducedMotion: 'reduce' })
    const moving = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('*')].some((element) => {
          const { transitionDuration, animationName } = getComputedStyle(element)
          return transitionDuration !== '0s' || animationName !== 'none'
        }),
      )
    expect(await moving()).toBe(false)
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    expect(await moving()).toBe(true)
  })

  it.each([360, 768, 1920])('fits a screen of %i pixels', async (width) => {
    const long = 'x'.repeat(200)
    const accounts = [
      limitedOf(long, { active: true, plan: long, why: long }),
      accountOf('somebody.with.a.long.name@department.university.example'),
    ]
    const timeline = [
      {
        at: NOW,
        kind: 'moved',
        account: undefined,
        label: undefined,
        words: long,
        conversation: undefined,
      } as const,
    ]
    const processes = [
      { pid: 4_194_304, isThis: true, accounts: [{ account: `id-of-${long}`, inFlight: 12 }] },
    ]
    await open(pictureOf(poolOf(accounts, { timeline, processes, problem: long })), {
      viewport: { width, height: 800 },
    })
    const { scroll, client, chart } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
      chart: document.querySelector('.chart')?.getBoundingClientRect().right ?? 0,
    }))
    expect(client).toBe(width)
    expect(scroll).toBe(width)
    expect(chart).toBeLessThan(width)
  })

  it('shows the live state of a chart that is wider than the screen', async () => {
    await open(pictureOf(poolOf([limitedOf('home')])), { viewport: { width: 360, height: 800 } })
    const box = await page.locator('[data-id="account.availability.rateLimited"]').boundingBox()
    expect(box?.x).toBeGreaterThan(0)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThan(360)
  })

  it('tells no state by its colour alone', async () => {
    await open(wholePicture())
    const badges = await page.locator('.card').evaluateAll((cards) =>
      cards.map((card) => ({
        tone: card.getAttribute('data-tone'),
        shape: card.querySelector('.badge path')?.getAttribute('d'),
        word: card.querySelector('.badge')?.textContent?.trim(),
      })),
    )
    expect(badges.map(({ word }) => word)).toEqual([
      'ready',
      'limited',
      'back soon',
      'failing',
      'login needed',
      'off',
    ])
    expect(new Set(badges.map(({ tone }) => tone)).size).toBe(6)
    expect(new Set(badges.map(({ shape }) => shape)).size).toBe(6)
  })

  it('reads well aloud', async () => {
    const home = limitedOf('home', { active: true, inFlight: 1 })
    const timeline = [
      {
        at: NOW,
        kind: 'assigned',
        account: home.id,
        label: 'home',
        words: 'kept: home of this conversation',
        conversation: 'ses_1',
      } as const,
    ]
    const processes = [{ pid: 4711, isThis: true, accounts: [{ account: home.id, inFlight: 1 }] }]
    await open(pictureOf(poolOf([home], { timeline, processes })))
    await expect(await page.locator('body').ariaSnapshot()).toMatchFileSnapshot(
      '__snapshots__/aloud.txt',
    )
  })

  it('is small, and names what it may do in itself', async () => {
    await open(wholePicture())
    const html = await readFile(new URL('../../dist/page.html', import.meta.url), 'utf8')
    const charts = html.match(/<template.*<\/template>/gs)?.join('') ?? ''
    expect(charts.length).toBeGreaterThan(0)
    expect(html.length - charts.length).toBeLessThan(LARGEST_PAGE)
    expect(html).toMatch(/<meta http-equiv="Content-Security-Policy" content="default-src 'none'; /)
    expect(html).not.toMatch(/unsafe|https?:\/\/(?!www\.w3\.org\/)/)
  })
})
