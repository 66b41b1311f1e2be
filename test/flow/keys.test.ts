import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ANSWERS, LIMITED_UNTIL } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { type Json, isObject, objectsOf, parseObject, textOf } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { agreeOn } from '../login/begin.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'
import { type HostServer, startServer } from './host/serve.ts'
import { ENDED, openTerminal } from './terminal.ts'

const HOST_MS = 60_000
const HOUR = 3_600_000
const POLL = { timeout: 20_000, interval: 50 }
const BY_CODE = 1
const EMPTY = { type: 'oauth', refresh: '', access: '', expires: 0 }
const EMPTY_KEY = { type: 'api', key: '', metadata: { 'opencode-rota': 'pool' } }
const key = (name: string) => ({ name, isKey: true }) as const

describe('API keys through the server of OpenCode', { timeout: HOST_MS }, () => {
  let anthropic: Fake
  let openai: Fake
  let home: Home
  let server: HostServer

  beforeAll(async () => {
    anthropic = await createFakeAnthropic({ accounts: [key('kay'), key('kim'), 'ann'] })
    openai = await createFakeOpenAI({ accounts: [key('kurt'), 'olga'] })
    const fakes = [anthropic, openai]
    home = await createHome({ fakes, plugins: [ENTRY], hasAccounts: false, hasBaseUrls: true })
    server = await startServer(home)
  }, HOST_MS)

  afterAll(async () => {
    await server.stop()
    await Promise.all([anthropic.close(), openai.close()])
    await home.remove()
  })

  const ask = async (fake: Fake) =>
    server.prompt(await server.createSession(), { prompt: 'hello', model: MODELS[fake.id] })
  const entryOf = async (fake: Fake) =>
    parseObject((await home.read(home.authFile)) ?? '')?.[fake.id]
  const stored = async (fake: Fake) =>
    objectsOf(parseObject((await home.read(home.accountsFile(fake.id))) ?? '')?.['accounts'])
  const logged = async () => (await home.read(home.logFile)) ?? ''
  const priceOf = async (fake: Fake) => {
    const { all } = await server.call('GET', '/provider')
    const provider = objectsOf(all).find(({ id }) => id === fake.id)
    const models = Object.values(isObject(provider?.['models']) ? provider['models'] : {})
    return models.some((model) => isObject(model) && costs(model))
  }

  /** As the TUI does: it stores the key with what its prompts asked, and starts the plugins anew. */
  async function enter(fake: Fake, name: string, use = 'pool') {
    const metadata = { 'opencode-rota': use, label: name }
    const body = { type: 'api', key: fake.account(name).apiKey, metadata }
    await server.call('PUT', `/auth/${fake.id}`, body)
    await server.call('POST', '/instance/dispose')
  }

  it('are asked for with their use and name', async () => {
    const methods = await server.call('GET', '/provider/auth')
    const prompts = [
      { type: 'select', key: 'opencode-rota' },
      { type: 'text', key: 'label' },
    ]
    for (const fake of [anthropic, openai]) {
      expect(objectsOf(methods[fake.id]).at(-1)).toMatchObject({ label: 'API key', prompts })
    }
  })

  it('answer, and are with the accounts then, not in the login file of OpenCode', async () => {
    await enter(anthropic, 'kay')
    expect((await ask(anthropic)).text).toBe('answered by kay')
    expect(await entryOf(anthropic)).toEqual(EMPTY)
    expect(await stored(anthropic)).toMatchObject([
      { label: 'kay', planTier: 'apiKey', accessToken: anthropic.account('kay').apiKey },
    ])
    expect(await priceOf(anthropic)).toBe(true)
  })

  it('are one account each, however often they are entered', async () => {
    await enter(anthropic, 'kay')
    await enter(anthropic, 'kim')
    await expect.poll(() => entryOf(anthropic), POLL).toEqual(EMPTY)
    await ask(anthropic)
    expect((await stored(anthropic)).map(({ label }) => label)).toEqual(['kay', 'kim'])
  })

  it('fail over to another key, and serve again when no login can', async () => {
    const seen = anthropic.modelRequests().length
    anthropic.account('kay').behave(LIMITED_UNTIL(Date.now() + HOUR))
    expect((await ask(anthropic)).text).toBe('answered by kim')
    anthropic.loginAs('ann')
    const path = '/provider/anthropic/oauth'
    const { url } = await server.call('POST', `${path}/authorize`, { method: BY_CODE })
    const code = await agreeOn(textOf(url) ?? '')
    await server.call('POST', `${path}/callback`, { method: BY_CODE, code })
    expect((await ask(anthropic)).text).toBe('answered by ann')
    anthropic.account('ann').behave(LIMITED_UNTIL(Date.now() + HOUR))
    expect((await ask(anthropic)).text).toBe('answered by kim')
    const asked = anthropic.modelRequests().slice(seen)
    expect(asked.map(({ account, status }) => [account, status])).toEqual([
      ['kay', 429],
      ['kim', 200],
      ['ann', 200],
      ['ann', 429],
      ['kim', 200],
    ])
  })

  it('of OpenAI alone have their models and prices', async () => {
    await enter(openai, 'kurt')
    expect((await ask(openai)).text).toBe('answered by kurt')
    expect(await entryOf(openai)).toEqual(EMPTY_KEY)
    expect(await priceOf(openai)).toBe(true)
    await enter(openai, 'kurt')
    expect((await ask(openai)).text).toBe('answered by kurt')
    expect([await entryOf(openai), (await stored(openai)).length]).toEqual([EMPTY_KEY, 1])
  })

  it('of OpenAI go on beside a login, which then answers too', async () => {
    const path = '/provider/openai/oauth'
    await server.call('POST', `${path}/authorize`, { method: BY_CODE })
    openai.approveDevices()
    openai.loginAs('olga')
    await server.call('POST', `${path}/callback`, { method: BY_CODE })
    expect(await entryOf(openai)).toEqual(EMPTY)
    await server.dispose()
    openai.account('kurt').behave(LIMITED_UNTIL(Date.now() + HOUR))
    expect((await ask(openai)).text).toBe('answered by olga')
    openai.account('kurt').behave(ANSWERS)
    await enter(openai, 'kurt')
    expect((await ask(openai)).error).toBe(undefined)
    expect(await entryOf(openai)).toEqual(EMPTY)
  })

  it('that OpenCode is to use itself stay with it', async () => {
    await enter(openai, 'kurt', 'direct')
    expect(await entryOf(openai)).toMatchObject({ key: openai.account('kurt').apiKey })
    expect(await stored(openai)).toHaveLength(2)
  })

  it('that OpenCode is to use itself are used although there are accounts', async () => {
    anthropic.account('kim').behave(ANSWERS)
    await enter(anthropic, 'kim', 'direct')
    expect((await ask(anthropic)).text).toBe('answered by kim')
    expect(await entryOf(anthropic)).toMatchObject({ key: anthropic.account('kim').apiKey })
    const instead = 'OpenCode has an API key for Anthropic and uses it instead of your accounts.'
    await expect.poll(logged, POLL).toContain(instead)
    // An account could not have sent it so.
    expect(anthropic.modelRequests().at(-1)?.headers['user-agent']).toContain('opencode')
  })

  it('reach no log and no screen', async () => {
    await expect
      .poll(logged, POLL)
      .toContain('Anthropic API key kay is now an account of the pool.')
    const beside = 'Beside OpenAI logins OpenCode offers only the models that logins have'
    await expect.poll(logged, POLL).toContain(beside)
    const log = await logged()
    for (const canary of [...anthropic.canaries(), ...openai.canaries()]) {
      expect(log + server.stdout() + server.stderr()).not.toContain(canary)
    }
  })
})

describe('an API key that cannot be taken into the pool', { timeout: HOST_MS }, () => {
  it('is used by OpenCode as it is, and a toast says why', async () => {
    const fake = await createFakeAnthropic({ accounts: [key('kay')] })
    const metadata = { 'opencode-rota': 'pool' }
    const entry = { type: 'api', key: fake.account('kay').apiKey, metadata }
    const auth = { anthropic: entry }
    const home = await createHome({
      fakes: [fake],
      plugins: [ENTRY],
      hasAccounts: false,
      hasBaseUrls: true,
      auth,
    })
    await writeFile(home.accountsFile('anthropic'), '{"version":2,"accounts":[]}', { mode: 0o600 })
    const server = await startServer(home)
    const asked = { prompt: 'hello', model: MODELS.anthropic }
    expect((await server.prompt(await server.createSession(), asked)).text).toBe('answered by kay')
    const said = 'The Anthropic API key was not added: The accounts file'
    await server.waitForEvent(
      ({ type, properties }) =>
        type === 'tui.toast.show' && JSON.stringify(properties).includes(said),
    )
    expect(parseObject((await home.read(home.authFile)) ?? '')).toEqual(auth)
    await server.stop()
    await fake.close()
    await home.remove()
  })
})

describe('a pool whose last API key was deleted', { timeout: HOST_MS }, () => {
  it('says that there is no account', async () => {
    const fake = await createFakeOpenAI()
    const auth = { openai: EMPTY_KEY }
    const home = await createHome({ fakes: [fake], plugins: [ENTRY], hasAccounts: false, auth })
    const { stderr } = await runPrompt(home, { prompt: 'hello', model: MODELS.openai })
    expect(stderr).toContain('No OpenAI account is signed in')
    await fake.close()
    await home.remove()
  })
})

describe('an API key in a terminal', { timeout: HOST_MS }, () => {
  it('is entered unseen, and answers', async () => {
    const fake = await createFakeAnthropic({ accounts: [key('kay')] })
    const home = await createHome({ fakes: [fake], plugins: [ENTRY], hasAccounts: false })
    await warmUp(home)
    const terminal = await openTerminal(home, ['auth', 'login', '-p', 'anthropic', '-m', 'API key'])
    try {
      await expect.poll(terminal.screen, POLL).toContain('Where is the key used?')
      await terminal.enter('')
      await expect.poll(terminal.screen, POLL).toContain('A name for the key')
      await terminal.enter('work')
      await expect.poll(terminal.screen, POLL).toContain('Enter your API key')
      await terminal.enter(fake.account('kay').apiKey ?? '')
      await expect.poll(terminal.screen, POLL).toContain(`${ENDED}0`)
      expect(await terminal.screen()).not.toContain('canary-key')
      const { stdout } = await runPrompt(home, { prompt: 'hello', model: MODELS.anthropic })
      expect(stdout).toBe('answered by kay\n')
      const file = parseObject((await home.read(home.accountsFile('anthropic'))) ?? '')
      expect(file).toMatchObject({ accounts: [{ label: 'work', planTier: 'apiKey' }] })
    } finally {
      await terminal.close()
      await fake.close()
      await home.remove()
    }
  })
})

function costs({ cost }: Json): boolean {
  return isObject(cost) && typeof cost['input'] === 'number' && cost['input'] > 0
}
