import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { withLock } from '../../src/store/lock.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { parseObject } from '../fake/json.ts'
import { agreeOn } from '../login/begin.ts'
import { ROTATES, ROTATES_SLOWLY } from '../fake/token-behaviors.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { startOpenCode } from './host/process.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'
import { type Menu, changeFirst, openMenu, pageOn, screenFrom, stored } from './menu.ts'
import { ENDED } from './terminal.ts'

const HOST_MS = 90_000
const POLL = { timeout: 20_000, interval: 50 }
const SCREENS = '../../docs/screens'
/** Everything that a test does is still on it. */
const TALL = { columns: 80, rows: 60 }
const NARROW = { columns: 60, rows: 24 }

let fake: Fake
const menus: Menu[] = []

beforeAll(async () => {
  fake = await createFakeAnthropic({ accounts: ['ann', 'bob'] })
})

afterEach(async () => {
  for (const menu of menus.splice(0)) await menu.close()
})

afterAll(() => fake.close())

async function open(home: Home, size?: { columns: number; rows: number }): Promise<Menu> {
  const menu = await openMenu(home, 'anthropic', size)
  menus.push(menu)
  return menu
}

async function expectScreen(menu: Menu, home: Home, from: string, name: string): Promise<void> {
  await expect(await screenFrom(menu, home, from)).toMatchFileSnapshot(`${SCREENS}/${name}.txt`)
}

/** The provider refused and said nothing of a reason. */
const GUESS = (now: number) => ({
  scope: 'account',
  window: 'burst',
  until: now + 3_600_000,
  source: 'guess',
  observedAt: now - 1_000,
})

const labels = async (home: Home) => (await stored(home, 'anthropic')).map(({ label }) => label)

describe('the menu in a terminal', { timeout: HOST_MS }, () => {
  let home: Home

  beforeAll(async () => {
    home = await createHome({ fakes: [fake], plugins: [ENTRY], hasAccounts: false })
    await warmUp(home)
  }, HOST_MS)

  afterAll(() => home.remove())

  it('adds the first account by a pasted code and the second in the browser', async () => {
    const menu = await open(home, TALL)
    await expectScreen(menu, home, 'Anthropic accounts', 'no-account')
    fake.loginAs('ann')
    await menu.pick('Add account')
    await menu.pick('In any browser, then paste a code')
    await menu.sees('Paste the code')
    await menu.enter('not-a-code')
    await menu.sees('is not a login code')
    const code = await agreeOn(await pageOn(menu))
    await menu.enter(code)
    await menu.sees('1 account. What next?')
    expect(await menu.screen()).not.toContain(code.slice(0, 8))
    await expectScreen(menu, home, 'How do you want', 'added-by-code')

    fake.loginAs('bob')
    await menu.pick('Add account')
    await menu.pick('In the browser on this machine')
    await menu.sees('Waiting for you to sign in')
    expect(await (await fetch(await pageOn(menu))).text()).toContain('You can close this page')
    await menu.sees('2 accounts. What next?')
    await expectScreen(menu, home, 'How do you want', 'added-in-browser')

    await menu.pick('Manage accounts')
    await menu.sees('Which account?')
    expect(await menu.screen()).toMatch(/ann@example\.test .*\n.*bob@example\.test /)
    await menu.press('C-c')
    await menu.sees(`${ENDED}0`)
    expect(await menu.screen()).toContain('Login successful')
    expect(parseObject((await home.read(home.authFile)) ?? '')).toEqual({
      anthropic: { type: 'oauth', refresh: '', access: '', expires: 0 },
    })
    const { stdout } = await runPrompt(home, { prompt: 'hello', model: MODELS.anthropic })
    expect(stdout).toBe('answered by ann\n')
  })

  it('shows how much of each account is used, renews a token and lifts a guess', async () => {
    fake.account('bob').expire()
    await changeFirst(home, 'anthropic', { limits: [GUESS(Date.now())] })
    const menu = await open(home)
    await menu.pick('Check quotas')
    await menu.sees('2 of 2 known')
    await menu.sees('week')
    await expectScreen(menu, home, 'Asking how much', 'quotas')
    const accounts = await stored(home, 'anthropic')
    expect(accounts).toMatchObject([
      { cachedUsage: { five_hour: { utilization: 10 } } },
      { cachedUsage: { five_hour: { utilization: 10 } } },
    ])
    expect(accounts[0]).not.toHaveProperty('limits')
  })

  it('renames, orders, switches off and on, signs in again and deletes', async () => {
    const menu = await open(home, TALL)
    await menu.pick('Manage accounts')
    await menu.sees('Which account?')
    await menu.pick('bob')
    await menu.pick('Rename')
    await menu.sees('The new name')
    await menu.press('C-u')
    await menu.enter('work')
    await menu.sees('work is its name now')
    await menu.pick('Change its place')
    await menu.sees('Which place?')
    await menu.press('Up')
    await menu.enter()
    await menu.sees('work is at place 1')
    expect(await labels(home)).toEqual(['work', 'ann@example.test'])
    await menu.pick('Switch off')
    await menu.sees('work is switched off')
    await expectScreen(menu, home, 'work is switched off', 'account')
    expect(await stored(home, 'anthropic')).toMatchObject([{ enabled: false }, { enabled: true }])
    await menu.pick('Switch on')
    await menu.sees('work is switched on')

    fake.loginAs('ann')
    await menu.pick('Sign in again')
    await menu.pick('In the browser')
    await menu.sees('Waiting for you to sign in')
    await fetch(await pageOn(menu))
    await menu.sees('This was not work')
    await menu.pick('Delete')
    await menu.sees('Delete work?')
    await menu.pick('Yes')
    await menu.sees('work was deleted')
    expect(await labels(home)).toEqual(['ann@example.test'])
    await expectScreen(menu, home, 'work was deleted', 'manage')
  })

  it('saves how the next account is chosen', async () => {
    const menu = await open(home)
    await menu.pick('Load balancing')
    await menu.sees('How is the next account chosen?')
    await expectScreen(menu, home, 'How is the next', 'load-balancing')
    await menu.pick('drain')
    await menu.sees('drain is saved')
    const config = parseObject((await home.read(`${home.configDir}/claude-multiauth.json`)) ?? '')
    expect(config).toEqual({ endpoints: fake.endpoints, account_selection_strategy: 'drain' })
  })

  it('exports, deletes all and imports', async () => {
    const menu = await open(home, TALL)
    const before = await stored(home, 'anthropic')
    await menu.pick('Export or import')
    await menu.pick('Export all')
    await menu.sees('Into which new file?')
    await menu.enter()
    await menu.sees('A passphrase')
    await menu.enter('correct horse')
    await menu.sees('The same once more')
    await menu.enter('correct horse')
    await menu.sees('1 account exported')
    await expectScreen(menu, home, 'Export or import?', 'export')

    await menu.pick('Delete all')
    await menu.sees('To go on, type')
    await menu.enter('yes')
    await menu.sees('or leave with Esc')
    await menu.press('C-u')
    await menu.enter('delete all')
    await menu.sees('1 account deleted')
    await expectScreen(menu, home, 'This deletes 1', 'delete-all')
    expect(await stored(home, 'anthropic')).toEqual([])

    await menu.pick('Export or import')
    await menu.pick('Import')
    await menu.sees('Out of which file?')
    await menu.enter()
    await menu.sees('Its passphrase')
    await menu.enter('wrong horse')
    await menu.sees('The passphrase is wrong')
    await menu.pick('Export or import')
    await menu.pick('Import')
    await expect.poll(menu.screen, POLL).toMatch(/◆ {2}Out of which file\?/)
    await menu.enter()
    await expect.poll(menu.screen, POLL).toMatch(/◆ {2}Its passphrase/)
    await menu.enter('correct horse')
    await menu.sees('Added: ')
    expect(await stored(home, 'anthropic')).toMatchObject(
      before.map(({ uuid, refreshToken }) => ({ uuid, refreshToken })),
    )
  })
})

describe('a menu that is left', { timeout: HOST_MS }, () => {
  let others: Fake
  let home: Home
  let before: string | undefined

  beforeAll(async () => {
    others = await createFakeAnthropic({ accounts: ['ann', 'bob'] })
    home = await createHome({ fakes: [others], plugins: [ENTRY], env: { NO_COLOR: '1' } })
    await warmUp(home)
    before = await home.read(home.accountsFile('anthropic'))
  }, HOST_MS)

  afterAll(async () => {
    await others.close()
    await home.remove()
  })

  const STEPS: readonly (readonly [string, ...string[]])[] = [
    ['Add account'],
    ['Add account', 'In the browser'],
    ['Add account', 'In any browser'],
    ['Manage accounts'],
    ['Manage accounts', 'ann'],
    ['Manage accounts', 'ann', 'Rename'],
    ['Manage accounts', 'ann', 'Change its place'],
    ['Manage accounts', 'ann', 'Sign in again'],
    ['Manage accounts', 'ann', 'Delete'],
    ['Load balancing'],
    ['Export or import'],
    ['Export or import', 'Export all'],
    ['Export or import', 'Import'],
    ['Delete all accounts'],
  ]

  it('goes back with Esc from every step, and changes nothing', async () => {
    const menu = await open(home)
    for (const steps of STEPS) {
      await goTo(menu, steps)
      for (let depth = 0; depth < MOST_LEVELS; depth++) {
        const question = await headOf(menu)
        if (question === TOP) break
        await menu.press('Escape')
        await expectAnother(menu, question)
      }
      expect(await headOf(menu)).toBe(TOP)
    }
    await menu.press('Escape')
    await menu.sees(`${ENDED}0`)
    expect(await home.read(home.accountsFile('anthropic'))).toBe(before)
  })

  it.each([
    ['C-c', []],
    ['C-d', []],
    ['C-c', ['Add account', 'In the browser']],
    ['C-c', ['Manage accounts', 'ann', 'Rename']],
    ['C-d', ['Manage accounts', 'ann', 'Delete']],
  ])('ends with %s at %j, and changes nothing', async (key, steps) => {
    const menu = await open(home)
    await goTo(menu, steps)
    await menu.press(key)
    await menu.sees(`${ENDED}0`)
    expect(await home.read(home.accountsFile('anthropic'))).toBe(before)
  })

  it('fits into a narrow terminal, and needs no colour', async () => {
    const menu = await open(home, NARROW)
    await menu.pick('Check quotas')
    await menu.sees('2 of 2 known')
    await menu.sees('week')
    await menu.sees('2 accounts. What next?')
    await expectScreen(menu, home, 'Asking how much', 'quotas-narrow')
    await menu.pick('Load balancing')
    await menu.sees('● sticky       a conversation keeps its account')
    await menu.sees('○ drain        first what a reset would waste')
    await menu.press('Escape')
    await menu.pick('Delete all accounts')
    await menu.sees('◆  To go on, type: delete all\n│')
    const [, shown = ''] = (await menu.styledScreen()).split('Asking how much')
    // oxlint-disable-next-line no-control-regex -- colours are what is looked for
    expect(shown).not.toMatch(/\u001b\[/)
  })

  it('ends with Ctrl-C while a token is being renewed, and the new one is kept', async () => {
    others.account('bob').expire()
    others.behaveOnExchange(ROTATES_SLOWLY(0, 2_000))
    const menu = await open(home)
    await menu.pick('Check quotas')
    await expect.poll(() => others.exchanges.length, POLL).toBe(1)
    await menu.press('C-c')
    await menu.sees(`${ENDED}0`)
    const { refreshToken } = others.account('bob').tokens()
    expect((await stored(home, 'anthropic'))[1]).toMatchObject({ refreshToken })
    expect(others.reuses()).toBe(0)
    others.behaveOnExchange(ROTATES)
  })

  it('ends with Ctrl-C between two questions only when a change is whole', async () => {
    const menu = await open(home)
    await goTo(menu, ['Manage accounts', 'ann'])
    const [shown, file] = await withLockOn(home, async () => {
      await menu.pick('Switch off')
      await expect.poll(() => headOf(menu), POLL).toBe('')
      await menu.press('C-c')
      return [await menu.screen(), await home.read(home.accountsFile('anthropic'))]
    })
    expect(shown).not.toContain(ENDED)
    expect(file).not.toContain('"enabled": false')
    await menu.sees(`${ENDED}0`)
    expect(await menu.screen()).toContain('ann is switched off.')
    expect((await stored(home, 'anthropic'))[0]).toMatchObject({ enabled: false })
  })
})

describe('without a terminal', { timeout: HOST_MS }, () => {
  it('offers no menu and waits for nobody', async () => {
    const home = await createHome({ fakes: [fake], plugins: [ENTRY] })
    await warmUp(home)
    const host = startOpenCode(home, ['auth', 'login', '-p', 'anthropic', '-m', MENU], 15_000)
    const { stdout, stderr, isTimedOut } = await host.finished
    expect(isTimedOut).toBe(false)
    expect(stdout + stderr).toMatch(/Add account \(browser\)/)
    expect(stdout + stderr).not.toContain('What next?')
    await home.remove()
  })
})

const MENU = 'Manage accounts (add, quotas, settings …)'
/** The deepest question, and one to spare. */
const MOST_LEVELS = 5

const TOP = '2 accounts. What next?'

/** The question that waits for an answer; empty between two. */
async function headOf(menu: Menu): Promise<string> {
  const [, question = ''] = /◆ {2}(?:[◒◐◓◑] )?([^◆\n]*)[^◆]*$/.exec(await menu.screen()) ?? []
  return question.trim()
}

async function expectAnother(menu: Menu, last: string): Promise<void> {
  const head = () => headOf(menu)
  await expect.poll(head, POLL).not.toBe(last)
  await expect.poll(head, POLL).not.toBe('')
}

/** While nobody else can change the accounts. */
async function withLockOn<Result>(home: Home, work: () => Promise<Result>): Promise<Result> {
  const done = await withLock(home.accountsFile('anthropic'), { deadlineMs: 5_000 }, work)
  if (!done.ok) throw new Error(done.detail)
  return done.value
}

/** Goes where the labels lead, each question being there before the next is answered. */
async function goTo(menu: Menu, labelsToPick: readonly string[]): Promise<void> {
  for (const label of labelsToPick) {
    const last = await headOf(menu)
    await menu.pick(label)
    await expectAnother(menu, last)
  }
}
