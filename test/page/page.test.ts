import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AccountPicture, Picture } from '../../src/inspect/picture.ts'
import { PERSON, launchBrowser } from './browser.ts'
import { NOW, accountOf, limitedOf, pictureOf, poolOf, wholePicture } from './pictures.ts'
import { type PageServer, servePage } from './server.ts'

const BROWSER_MS = 60_000
const WAIT_MS = 10_000
/** Long enough to load the page before its clock stops. */
const STOP_MS = 15_000
const SMALL_PRINT = 'Show every event and guard'
const CHART_OF_WORK = 'Statechart of work (account): availability: active, token: idle'

let browser: Browser
let server: PageServer
let page: Page
/** What the browser complained of: a blocked style, a failed script. */
const complaints: string[] = []

beforeAll(async () => {
  browser = await launchBrowser()
}, BROWSER_MS)

afterAll(() => browser.close())

beforeEach(() => {
  complaints.length = 0
})

afterEach(async () => {
  await page.context().close()
  await server.close()
})

/** With a clock that stands still. */
async function open(picture: Picture): Promise<void> {
  await newPage(picture)
  await page.clock.setFixedTime(NOW)
  await visit()
}

/** With a clock that goes on by `page.clock.runFor` only. */
async function openStepped(picture: Picture): Promise<void> {
  await newPage({ ...picture, pid: 1 })
  await page.clock.install({ time: NOW })
  await visit()
  await page.clock.pauseAt(NOW + STOP_MS)
  server.show(picture)
  await page.getByText(`process ${picture.pid} shows`).waitFor()
}

async function newPage(picture: Picture): Promise<void> {
  server = await servePage(picture)
  const context = await browser.newContext(PERSON)
  context.setDefaultTimeout(WAIT_MS)
  page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('ERR_')) {
      complaints.push(message.text())
    }
  })
  page.on('pageerror', (error) => complaints.push(error.message))
}

async function visit(): Promise<void> {
  await page.goto(server.url)
  await page.getByRole('heading', { level: 2 }).first().waitFor()
}

const card = (label: string) => page.locator('.card').filter({ hasText: label })
const left = () => card('home').locator('.countdown').innerText()
const spoken = () => page.getByRole('status').textContent()

/** Its tries are by the page's clock, the answers to them are not. */
async function expectConnectedAgain(): Promise<void> {
  await vi.waitFor(async () => {
    await page.clock.runFor(500)
    expect(await spoken()).toBe('Connected again.')
  }, WAIT_MS)
}

describe('the live page', { timeout: BROWSER_MS }, () => {
  it('loads nothing but itself and its events, and breaks no rule of its own', async () => {
    await open(wholePicture())
    await card('home').click()
    expect(server.asked).toEqual(['GET /any-token/', 'GET /any-token/events'])
    expect(complaints).toEqual([])
  })

  it('shows all of an account: state, plan, why, windows, load, last refusal', async () => {
    await open(wholePicture())
    const home = await card('home').innerText()
    for (const words of [
      'limited',
      'Claude Pro',
      'back in 22 min 30 s',
      'Its 5-hour window is used up.',
      'limited since 13:34',
      '100 %',
      'resets in 22 min, 14:05',
      'resets in 2 d 09 h, Wed 22:42',
      'weekly window for opus',
      '0 in flight here',
      'Last refusal 8 min ago',
      'its 5-hour window is used up (429)',
    ]) {
      expect(home).toContain(words)
    }
    expect(await card('work').innerText()).toContain('in use')
    expect(await card('work').innerText()).toMatch(/2 in flight here\s+1 elsewhere/)
    expect(await card('lab key').innerText()).toContain('API key')
    expect(await page.title()).toBe('1 of 6 ready – opencode-rota')
  })

  it('shows a limit when it comes, also in the title', async () => {
    await open(pictureOf(poolOf([accountOf('work'), accountOf('home')])))
    expect(await page.title()).toMatch(/^2 of 2 ready/)
    server.show(pictureOf(poolOf([accountOf('work'), limitedOf('home')])))
    await card('home').getByText('back in 22 min 30 s').waitFor()
    await vi.waitFor(async () => expect(await page.title()).toMatch(/^1 of 2 ready/))
  })

  it('counts down each second by the clock of the process', async () => {
    const picture = pictureOf(poolOf([limitedOf('home')]))
    // The browser's clock is behind.
    await openStepped({ ...picture, now: NOW + 22 * 60_000 })
    expect(await left()).toBe('in 30 s')
    await page.clock.runFor(1_000)
    expect(await left()).toBe('in 29 s')
    await page.clock.runFor(28_000)
    expect(await left()).toBe('in 1 s')
    await page.clock.runFor(1_000)
    expect(await left()).toBe('any moment')
  })

  it('says that it is not connected, since when, and once that it is again', async () => {
    await openStepped(wholePicture())
    server.breakOff()
    const notice = page.getByRole('region', { name: 'Connection' })
    await notice.getByText('Not connected since 13:42:45.').waitFor()
    expect(await notice.innerText()).toContain('OpenCode process 4711 does not answer')
    expect(await spoken()).toMatch(/^Not connected since 13:42:45\./)
    expect(await page.getByText('as of 13:42:30').count()).toBe(2)

    await page.clock.runFor(5_000)
    expect(await page.title()).toMatch(/^not connected/)
    expect(await notice.isVisible()).toBe(true)
    server.comeBack()
    await expectConnectedAgain()
    expect(await notice.count()).toBe(0)
    expect(await page.getByText('as of').count()).toBe(0)
    await page.clock.runFor(9_000)
    expect(await page.title()).toMatch(/^1 of 6 ready/)
    expect(await spoken()).toBe('')
    expect(server.listeners()).toBe(1)
  })

  it('notices a process that keeps the line and says nothing any more', async () => {
    await openStepped(wholePicture())
    server.fallSilent()
    await page.clock.runFor(46_000)
    expect(await spoken()).toMatch(/^Not connected since 13:42:45\./)
    server.comeBack()
    await expectConnectedAgain()
  })

  it('asks again when nothing was heard, without a word to the person', async () => {
    await openStepped(wholePicture())
    await page.clock.runFor(41_000)
    await vi.waitFor(() => expect(server.asked).toHaveLength(3))
    await vi.waitFor(() => expect(server.listeners()).toBe(1))
    await page.clock.runFor(10_000)
    expect(await page.getByText('Not connected').count()).toBe(0)
    expect(await spoken()).toBe('')
  })

  it('shows the machine of the account in use first, with its live states', async () => {
    await open(wholePicture())
    const live = page.locator('[data-id][data-live]')
    await live.first().waitFor()
    const ids = await live.evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-id')))
    expect(ids).toEqual(['account.availability.active', 'account.token.idle'])
    expect(await page.getByRole('img', { name: CHART_OF_WORK }).count()).toBe(1)
  })

  it('shows a chart whole, or with all its small print', async () => {
    await open(wholePicture())
    const label = page.locator('.chart text[data-event="request.limited"]').first()
    expect(await label.isVisible()).toBe(false)
    await page.getByRole('button', { name: SMALL_PRINT }).click()
    await label.waitFor()
    const active = await page.locator('[data-id="account.availability.active"]').boundingBox()
    const frame = await page.locator('.chart').boundingBox()
    expect(active?.y).toBeGreaterThan(frame?.y ?? 0)
    expect(active?.y).toBeLessThan((frame?.y ?? 0) + (frame?.height ?? 0))
    await page.getByRole('button', { name: 'Show the whole chart' }).click()
    await label.waitFor({ state: 'hidden' })
  })

  it('follows the states of the chosen account', async () => {
    await open(both(['account.availability.active', 'account.token.idle']))
    await card('home').click()
    await page.getByText('Why home is ready').waitFor()
    server.show(
      both(['account.availability.active', 'account.token.refreshing', 'refresh.claiming']),
    )
    await page.locator('[data-id="account.token.refreshing"][data-live]').waitFor()
    await page.locator('[data-id="refresh.claiming"][data-live]').waitFor()
    expect(await page.locator('[data-id="account.token.idle"][data-live]').count()).toBe(0)
  })

  it('can be walked and worked with the keyboard alone', async () => {
    await open(wholePicture())
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim())
    await page.getByRole('button', { name: 'work' }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await focused()).toBe('home')
    await page.keyboard.press('Enter')
    await page.getByText('Why home is limited').waitFor()
    const home = page.getByRole('button', { name: 'home', expanded: true })
    const panel = await home.getAttribute('aria-controls')
    expect(await page.locator(`#${panel}`).innerText()).toContain('What happened to it')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('old laptop')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Escape')
    await page.getByText('Why home').waitFor({ state: 'detached' })
    await page.keyboard.press('Space')
    await page.getByText('Why home').waitFor()
    await page.keyboard.press('End')
    expect(await focused()).toBe('lab key')
    // On to the timeline: the next stop after the cards.
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('SELECT')
  })

  it('reaches every control with Tab, in the order of the page, and shows where it is', async () => {
    await open(pictureOf(poolOf([accountOf('work'), accountOf('home')])))
    await page.getByText('Why work is ready').waitFor()
    const stops: string[] = []
    for (let at = 0; at < 6; at += 1) {
      await page.keyboard.press('Tab')
      stops.push(
        await page.evaluate(() => {
          const stop = document.activeElement
          const ringed = stop?.closest('.card:has(button:focus-visible)') ?? stop
          const isRinged = ringed !== null && getComputedStyle(ringed).outlineStyle === 'solid'
          const name = stop?.getAttribute('aria-label') ?? stop?.textContent?.trim()
          return `${name}${isRinged ? '' : ' without a ring'}`
        }),
      )
    }
    expect(stops).toEqual([
      'Claude',
      'work',
      CHART_OF_WORK,
      SMALL_PRINT,
      'home',
      'all accountsworkhome',
    ])
  })

  it('filters the timeline by account, newest first', async () => {
    await open(wholePicture())
    const rows = page.getByRole('region', { name: 'What happened' }).first().getByRole('listitem')
    expect(await rows.first().innerText()).toMatch(
      /^13:42:27\s+work · kept: home of this conversation/,
    )
    const whole = await rows.count()
    await page.getByLabel('Show what happened to').first().selectOption({ label: 'home' })
    await vi.waitFor(async () => expect(await rows.count()).toBe(3))
    expect(whole).toBeGreaterThan(10)
    expect(await rows.allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringContaining('(2 times since 13:33:40)')]),
    )
    expect(await rows.first().locator('time').first().getAttribute('datetime')).toBe(
      '2026-11-23T12:34:30.000Z',
    )
  })

  it('shows who else uses the pool', async () => {
    await open(wholePicture())
    const list = page.getByRole('region', { name: 'OpenCode processes' }).first()
    expect((await list.innerText()).replaceAll(/\s+/g, ' ')).toBe(
      'OpenCode processes 4711 this one work 2 in flight 5120 work 1 in flight club idle',
    )
  })

  it('says what to do where there is no account', async () => {
    await open(wholePicture())
    const chatgpt = page.getByRole('region', { name: 'ChatGPT', exact: true })
    expect(await chatgpt.innerText()).toContain('No ChatGPT account is signed in.')
    expect(await chatgpt.innerText()).toContain('opencode auth login')
  })

  it('shows on top that an accounts file cannot be read', async () => {
    const problem = 'It is not JSON (line 3).'
    await open(pictureOf(poolOf([accountOf('work')], { problem })))
    const alert = page.getByRole('alert')
    expect(await alert.innerText()).toBe(
      `The Claude accounts file cannot be read. ${problem} The accounts below are as they were when it was last read.`,
    )
    const [above, below] = [await alert.boundingBox(), await card('work').boundingBox()]
    expect(above?.y).toBeLessThan(below?.y ?? 0)
  })

  it('shows hostile words as words', async () => {
    const evil = `<img src=x onerror="window.hacked = 1">\u202Egnp.exe "'&amp;{{x}}`
    const account = accountOf(evil, {
      id: `"><script>window.hacked = 2</script>`,
      plan: evil,
      why: evil,
      state: 'authFailing',
      backAt: 8.64e15 + 1,
      lastError: { at: NOW, words: evil },
      usage: [{ window: evil, usedPercent: Number.MAX_VALUE, resetsAt: 8.64e15 + 1 }],
      states: ['account.availability.active', evil],
    })
    const happening = {
      at: NOW,
      kind: 'moved',
      account: account.id,
      label: evil,
      conversation: evil,
    } as const
    const timeline = [{ ...happening, words: `<b>${evil}</b>${'x'.repeat(5_000)}` }]
    const processes = [{ pid: 1, isThis: false, accounts: [{ account: account.id, inFlight: 1 }] }]
    await open(pictureOf(poolOf([account], { timeline, processes, problem: evil })))
    await page.getByText('<b><img src=x').first().waitFor()
    expect(await page.getByRole('button', { name: '<img src=x' }).count()).toBe(1)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false)
    expect(complaints).toEqual([])
  })

  it('shows a state that it does not know by its name', async () => {
    const account = JSON.parse(JSON.stringify(accountOf('work', { state: 'active' })))
    await open(pictureOf(poolOf([{ ...account, state: 'hibernating', more: {} }])))
    expect(await card('work').innerText()).toContain('hibernating')
    expect(await page.locator('body').innerText()).not.toContain('undefined')
    expect(complaints).toEqual([])
  })

  it('says what is wrong, and is no empty page, when it cannot show what it gets', async () => {
    await open(wholePicture())
    server.show(JSON.parse('{"now":1,"pid":4711,"pools":[{"provider":"anthropic"}]}'))
    const fault = page.getByRole('region', { name: 'Fault' })
    await fault.waitFor()
    expect(await fault.innerText()).toContain(
      'This page has a fault and cannot show your accounts.',
    )
    await vi.waitFor(() => expect(server.listeners()).toBe(0))
    server.show(wholePicture())
    await page.getByRole('button', { name: 'Load the page again' }).click()
    await card('work').waitFor()
  })

  it('keeps the choice when it is loaded again', async () => {
    await open(wholePicture())
    await card('home').click()
    await page.getByText('Why home is limited').waitFor()
    await page.reload()
    await page.getByText('Why home is limited').waitFor()
    await card('home').click()
    await page.getByText('Why home').waitFor({ state: 'detached' })
    await page.reload()
    await card('home').waitFor()
    expect(await page.locator('.detail').count()).toBe(0)
    server.show(pictureOf(poolOf([accountOf('new')])))
  })

  it('shows fifty accounts, and keeps up with ten pictures a second', async () => {
    const [entry] = wholePicture().pools
    const timeline = Array.from({ length: 200 }, (_, at) => ({
      at: NOW - at * 1_000,
      kind: 'assigned' as const,
      account: undefined,
      label: undefined,
      words: `request ${at}`,
      conversation: undefined,
    }))
    await open(pictureOf(poolOf(many(0), { timeline, processes: entry?.processes ?? [] })))
    expect(await page.locator('.card').count()).toBe(50)
    await page.getByRole('button', { name: 'Show all 200' }).click()
    const sent = performance.now()
    for (let load = 1; load <= 50; load += 1) {
      server.show(pictureOf(poolOf(many(load), { timeline })))
    }
    await card('account 49').getByText('50 in flight here', { exact: true }).waitFor()
    expect(performance.now() - sent).toBeLessThan(5_000)
  })
})

function both(states: readonly string[]): Picture {
  return pictureOf(poolOf([accountOf('work'), accountOf('home', { states })]))
}

function many(inFlight: number): readonly AccountPicture[] {
  return Array.from({ length: 50 }, (_, at) =>
    at % 3 === 0 ? limitedOf(`account ${at}`) : accountOf(`account ${at}`, { inFlight }),
  )
}
