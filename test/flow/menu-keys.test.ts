import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { isObject, parseObject } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'
import { type Menu, openMenu, screenFrom, stored } from './menu.ts'
import { ENDED } from './terminal.ts'

const HOST_MS = 90_000
const TALL = { columns: 80, rows: 60 }
const key = (name: string) => ({ name, isKey: true }) as const

describe('API keys in the menu', { timeout: HOST_MS }, () => {
  let anthropic: Fake
  let openai: Fake
  let home: Home
  const menus: Menu[] = []

  beforeAll(async () => {
    anthropic = await createFakeAnthropic({ accounts: [key('kay'), key('kim'), 'ann'] })
    openai = await createFakeOpenAI({ accounts: [key('kurt'), 'olga'] })
    const fakes = [anthropic, openai]
    home = await createHome({ fakes, plugins: [ENTRY], hasAccounts: false, hasBaseUrls: true })
    await warmUp(home)
  }, HOST_MS)

  afterEach(async () => {
    for (const menu of menus.splice(0)) await menu.close()
  })

  afterAll(async () => {
    await Promise.all([anthropic.close(), openai.close()])
    await home.remove()
  })

  async function open(provider: string): Promise<Menu> {
    const menu = await openMenu(home, provider, TALL)
    menus.push(menu)
    return menu
  }

  const ask = async (fake: Fake) =>
    (await runPrompt(home, { prompt: 'hello', model: MODELS[fake.id] })).stdout

  it('are added unseen, and answer', async () => {
    const menu = await open('anthropic')
    await menu.pick('Add account')
    await menu.pick('With an API key')
    await menu.sees('The API key')
    await menu.enter('two words')
    await menu.sees('A key has neither spaces nor accents.')
    await menu.press('C-u')
    await menu.enter(anthropic.account('kay').apiKey)
    await menu.sees('A name for it')
    await menu.press('Escape')
    await menu.sees('There is no account yet.')
    expect(await stored(home, 'anthropic')).toEqual([])
    await addKey(menu, anthropic.account('kay').apiKey, 'work')
    await expect(await screenFrom(menu, home, 'How do you want')).toMatchFileSnapshot(
      '../../docs/screens/added-key.txt',
    )
    await leave(menu)
    expect(await ask(anthropic)).toBe('answered by kay\n')
  })

  it('show what they are, and that they have no quota', async () => {
    const menu = await open('anthropic')
    await menu.pick('Check quotas')
    await menu.sees('Paid by the request: there is no quota.')
    await menu.pick('Manage accounts')
    await menu.sees('Which account?')
    expect(await menu.screen()).toMatch(/● work {2}\[ready\] {2}API key {2}no use noted/)
    await menu.pick('work')
    await menu.sees('API key, place 1 of 1, ')
    expect(anthropic.usageRequests()).toEqual([])
  })

  it('are replaced by others, which then answer', async () => {
    const menu = await open('anthropic')
    await menu.pick('Manage accounts')
    await menu.pick('work')
    await menu.pick('Enter a new key')
    await menu.sees('The new API key')
    await menu.enter(anthropic.account('kim').apiKey)
    await menu.sees('work has the new key.')
    await menu.pick('Back')
    await menu.pick('Back')
    await addKey(menu, anthropic.account('kim').apiKey, 'again')
    await menu.sees('again was there already.')
    expect(await stored(home, 'anthropic')).toHaveLength(1)
    await leave(menu)
    expect(await ask(anthropic)).toBe('answered by kim\n')
  })

  it('of OpenAI alone keep their entry, and say what they lose beside a login', async () => {
    const menu = await open('openai')
    await addKey(menu, openai.account('kurt').apiKey, '')
    await menu.sees('API key was added to the OpenAI accounts.')
    await leave(menu)
    expect(await ask(openai)).toBe('answered by kurt\n')
    expect(parseObject((await home.read(home.authFile)) ?? '')?.['openai']).toEqual({
      type: 'api',
      key: '',
      metadata: { 'opencode-rota': 'pool' },
    })
    const again = await open('openai')
    openai.loginAs('olga')
    openai.approveDevices()
    await again.pick('Add account')
    await again.pick('In any browser, with a code')
    await again.sees('Enter the code FAKE-CODE')
    openai.approveDevices()
    await again.sees('olga@example.test was added')
    await again.sees('Beside OpenAI logins OpenCode offers only the models')
    await leave(again)
    const entry = parseObject((await home.read(home.authFile)) ?? '')?.['openai']
    expect(isObject(entry) && entry['type']).toBe('oauth')
  })
})

async function addKey(menu: Menu, apiKey: string | undefined, name: string): Promise<void> {
  await menu.pick('Add account')
  await menu.pick('With an API key')
  await menu.sees('The API key')
  await menu.enter(apiKey)
  await menu.sees('A name for it')
  await menu.enter(name)
  await menu.sees('What next?')
}

async function leave(menu: Menu): Promise<void> {
  await menu.press('C-c')
  await menu.sees(`${ENDED}0`)
  expect(await menu.screen()).not.toContain('canary')
}
