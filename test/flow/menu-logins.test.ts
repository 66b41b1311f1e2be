import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { agreeOn } from '../login/begin.ts'
import { TURN_MS, occupy, takeTurnOnFixedPort } from '../login/fixed-port.ts'
import { LOOPBACK, isListening, sendRaw } from '../login/raw.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { warmUp } from './host/warm-up.ts'
import { type Menu, changeFirst, openMenu, pageOn, stored } from './menu.ts'
import { ENDED, openTerminal } from './terminal.ts'

const HOST_MS = 90_000
const POLL = { timeout: 20_000, interval: 50 }
const TALL = { columns: 80, rows: 60 }
const OPENAI_PORT = 1455
const LOGIN_NEEDED = {
  isAuthDisabled: true,
  disabledReason: 'revoked',
  authDisabledReason: 'the provider said invalid_grant',
}

let endTurn: () => void
let anthropic: Fake
let openai: Fake
const menus: { readonly close: () => Promise<unknown> }[] = []

beforeAll(async () => {
  anthropic = await createFakeAnthropic({ accounts: ['ann', 'bob'] })
  openai = await createFakeOpenAI({ accounts: ['olga', 'otto'] })
  endTurn = await takeTurnOnFixedPort()
}, TURN_MS)

afterEach(async () => {
  for (const menu of menus.splice(0)) await menu.close()
})

afterAll(async () => {
  endTurn()
  await Promise.all([anthropic.close(), openai.close()])
})

async function open(home: Home, provider: string): Promise<Menu> {
  const menu = await openMenu(home, provider, TALL)
  menus.push(menu)
  return menu
}

/** What the person does to finish a login, whichever way was chosen. */
const FINISH: Readonly<Record<string, (menu: Menu) => Promise<void>>> = {
  'In the browser on this machine': async (menu) => {
    await menu.sees('Waiting for you to sign in')
    expect(await (await fetch(await pageOn(menu))).text()).toContain('You can close this page')
  },
  'In any browser, then paste a code': async (menu) => {
    await menu.sees('Paste the code')
    await menu.enter(await agreeOn(await pageOn(menu)))
  },
  'In any browser, with a code shown here': async (menu) => {
    await menu.sees('Enter the code FAKE-CODE on this page')
    openai.approveDevices()
  },
}
const [BROWSER = '', PASTE_CODE = '', DEVICE_CODE = ''] = Object.keys(FINISH)

describe('a login through the menu', { timeout: HOST_MS }, () => {
  let home: Home

  beforeAll(async () => {
    home = await createHome({ fakes: [anthropic, openai], plugins: [ENTRY] })
    await warmUp(home)
  }, HOST_MS)

  afterAll(() => home.remove())

  it.each([
    ['anthropic', BROWSER, 'ann'],
    ['anthropic', PASTE_CODE, 'ann'],
    ['openai', BROWSER, 'olga'],
    ['openai', DEVICE_CODE, 'olga'],
  ] as const)('repairs an account of %s: %s', async (provider, way, name) => {
    const fake = provider === 'openai' ? openai : anthropic
    const before = (await stored(home, provider))[0]?.['refreshToken']
    await changeFirst(home, provider, LOGIN_NEEDED)
    fake.loginAs(name)
    const menu = await open(home, provider)
    await menu.pick('Manage accounts')
    await menu.sees('[login needed]')
    await menu.pick(name)
    await menu.sees('Why: it needs a new login: the provider said invalid_grant.')
    await menu.sees('● Sign in again')
    await menu.enter()
    await menu.pick(way)
    await FINISH[way]?.(menu)
    await menu.sees(`account ${name} is signed in again.`)
    await menu.sees('● Rename')
    const [first, ...others] = await stored(home, provider)
    expect(first).toMatchObject({ label: name, isAuthDisabled: false })
    expect(first?.['refreshToken']).not.toBe(before)
    expect(others).toHaveLength(1)
  })

  it('is neither ended nor fooled by what others send to its port', async () => {
    const before = await home.read(home.accountsFile('openai'))
    openai.loginAs('olga')
    const menu = await open(home, 'openai')
    await menu.pick('Add account')
    await menu.pick(BROWSER)
    await menu.sees('Waiting for you to sign in')
    const page = await fetch(await pageOn(menu), { redirect: 'manual' })
    const callback = new URL(page.headers.get('location') ?? '')
    const { pathname, search, searchParams } = callback
    const get = (target: string, host = `localhost:${OPENAI_PORT}`) =>
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    const code = searchParams.get('code') ?? ''
    for (const request of [
      get(`${pathname}?code=evil&state=${'A'.repeat(43)}`),
      get(`${pathname}?code=${code}`),
      get(`${pathname}?error=access_denied`),
      get('/cancel'),
      get(`/cancel?state=${'A'.repeat(43)}`),
      get(`/${search}`),
      get(pathname + search, 'evil.test'),
      get(`${pathname}${search}&code=evil`),
      get(pathname + search).replace('GET', 'POST'),
    ]) {
      const { status, text } = await sendRaw(OPENAI_PORT, request)
      expect([request.split('\r')[0], status]).toEqual([
        request.split('\r')[0],
        expect.toBeOneOf([400, 404]),
      ])
      expect(text).not.toContain(code)
    }
    expect(await menu.screen()).toMatch(/◆ {2}\S Waiting for you to sign in/)
    expect(await home.read(home.accountsFile('openai'))).toBe(before)
    expect(await sendRaw(OPENAI_PORT, get(pathname + search))).toMatchObject({ status: 200 })
    await menu.sees('olga is signed in again.')
    for (const host of LOOPBACK) {
      await expect.poll(() => isListening(OPENAI_PORT, host), POLL).toBe(false)
    }
  })

  it('adds an account by a code to type in when another program has the port', async () => {
    const release = await occupy(OPENAI_PORT)
    openai.loginAs('otto')
    const menu = await open(home, 'openai')
    await menu.pick('Manage accounts')
    await menu.pick('otto')
    await menu.pick('Delete')
    await menu.pick('Yes')
    await menu.pick('Back')
    await menu.pick('Add account')
    await menu.pick(BROWSER)
    await menu.sees('Port 1455 is used by another program')
    await FINISH[DEVICE_CODE]?.(menu)
    await menu.sees('otto@example.test was added.')
    release?.()
    expect((await stored(home, 'openai')).map(({ label }) => label)).toEqual([
      'olga',
      'otto@example.test',
    ])
  })

  it('that is stopped gives its port back, and nothing is stored', async () => {
    const before = await home.read(home.accountsFile('openai'))
    const menu = await open(home, 'openai')
    for (const way of [BROWSER, DEVICE_CODE]) {
      await menu.pick('Add account')
      await menu.pick(way)
      await menu.sees('Waiting for you to')
      await menu.press('Escape')
      await menu.sees('The login was stopped. Nothing was changed.')
      expect(await menu.screen()).toMatch(/■ {2}Waiting for you to [a-z ]+\n│ {2}Stop/)
      await menu.sees('● Add account')
    }
    expect(await isListening(OPENAI_PORT, '127.0.0.1')).toBe(false)
    expect(await home.read(home.accountsFile('openai'))).toBe(before)
  })
})

describe('where no port can be opened', { timeout: HOST_MS }, () => {
  /** Stands for a machine whose rules forbid it. */
  const pluginFiles = {
    'no-listener.js': `import net from 'node:net'
      net.Server.prototype.listen = function () {
        queueMicrotask(() => this.emit('error', Object.assign(new Error('no'), { code: 'EACCES' })))
        return this
      }
      export const NoListener = async () => ({})`,
  }
  const BECAUSE = 'No port can be opened on this machine, so a browser cannot come back here.'
  let home: Home

  beforeAll(async () => {
    home = await createHome({
      fakes: [anthropic],
      plugins: [ENTRY],
      hasAccounts: false,
      pluginFiles,
    })
    await warmUp(home)
  }, HOST_MS)

  afterAll(() => home.remove())

  it('the menu says so, and goes on with a code to paste', async () => {
    anthropic.loginAs('ann')
    const menu = await open(home, 'anthropic')
    await menu.pick('Add account')
    await menu.pick(BROWSER)
    await expect
      .poll(async () => (await menu.screen()).replace(/\n│ +/g, ' '), POLL)
      .toContain(BECAUSE)
    await FINISH[PASTE_CODE]?.(menu)
    await menu.sees('ann@example.test was added.')
  })

  it('the plain method says so on stderr, before OpenCode asks for the code', async () => {
    const errors = `${home.root}/errors`
    const args = ['auth', 'login', '-p', 'anthropic', '-m', 'Add account (browser)']
    const terminal = await openTerminal(home, args, { errors })
    menus.push(terminal)
    await expect.poll(terminal.screen, POLL).toContain('Paste the authorization code')
    // OpenCode begins with a line that holds a colour's end alone.
    expect((await home.read(errors))?.split('\n').slice(1)).toEqual([BECAUSE, ''])
    const [, url = ''] = /Go to: (\S+)/.exec(await terminal.screen()) ?? []
    await terminal.enter(await agreeOn(url))
    await expect.poll(terminal.screen, POLL).toContain(`${ENDED}0`)
  })
})
