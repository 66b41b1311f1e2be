import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { objectsOf, parseObject, textOf } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { agreeOn } from '../login/begin.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'
import { type HostServer, startServer } from './host/serve.ts'
import { ENDED, type Terminal, openTerminal } from './terminal.ts'

const HOST_MS = 60_000
const POLL = { timeout: 20_000, interval: 50 }
/** Place of the method that needs no browser on this machine. */
const BY_CODE = 1
const EMPTY_ENTRY = { type: 'oauth', refresh: '', access: '', expires: 0 }

/** The accounts in the file of a pool. */
async function stored(home: Home, provider: string) {
  const file = parseObject((await home.read(home.accountsFile(provider))) ?? '')
  return objectsOf(file?.['accounts'])
}

function tokensOf(fake: Fake, name: string) {
  const { accessToken, refreshToken } = fake.account(name).tokens()
  return { accessToken, refreshToken }
}

async function authOf(home: Home, provider: string): Promise<unknown> {
  return parseObject((await home.read(home.authFile)) ?? '')?.[provider]
}

describe('a login through the server of OpenCode', { timeout: HOST_MS }, () => {
  let anthropic: Fake
  let openai: Fake
  let home: Home
  let server: HostServer

  beforeAll(async () => {
    anthropic = await createFakeAnthropic({ accounts: ['ann', 'bob'] })
    openai = await createFakeOpenAI({ accounts: ['olga'] })
    home = await createHome({ fakes: [anthropic, openai], plugins: [ENTRY], hasAccounts: false })
    server = await startServer(home)
  }, HOST_MS)

  afterAll(async () => {
    await server.stop()
    await Promise.all([anthropic.close(), openai.close()])
    await home.remove()
  })

  const ask = async (provider: 'anthropic' | 'openai') =>
    server.prompt(await server.createSession(), { prompt: 'hello', model: MODELS[provider] })
  const authorize = (provider: string) =>
    server.call('POST', `/provider/${provider}/oauth/authorize`, { method: BY_CODE })
  const callback = (provider: string, code?: string) =>
    server.call('POST', `/provider/${provider}/oauth/callback`, { method: BY_CODE, code })

  const polls = () => openai.requests.filter(({ path }) => path.endsWith('/deviceauth/token'))
  const log = async () => (await home.read(home.logFile)) ?? ''

  async function pasteAs(name: string) {
    anthropic.loginAs(name)
    const { url } = await authorize('anthropic')
    return callback('anthropic', await agreeOn(textOf(url) ?? ''))
  }

  it('offers an account for the pool, and a key', async () => {
    expect(await server.call('GET', '/provider/auth')).toMatchObject({
      anthropic: [
        { type: 'oauth', label: 'Add account (browser)' },
        { type: 'oauth', label: 'Add account (paste code)' },
        { type: 'api', label: expect.stringMatching(/^API key/) },
      ],
      openai: [
        { type: 'oauth', label: 'Add account (browser)' },
        { type: 'oauth', label: 'Add account (device code)' },
        { type: 'api', label: expect.stringMatching(/^API key/) },
      ],
    })
  })

  it('adds an Anthropic account by a pasted code, which then answers', async () => {
    await pasteAs('ann')
    const [ann] = await stored(home, 'anthropic')
    expect(ann).toMatchObject({ label: 'ann@example.test', ...tokensOf(anthropic, 'ann') })
    expect(await authOf(home, 'anthropic')).toEqual(EMPTY_ENTRY)
    // As the host's own screen does after a login.
    await server.dispose()
    expect((await ask('anthropic')).text).toBe('answered by ann')
  })

  it('adds an OpenAI account by a device code, which then answers', async () => {
    const { url, instructions, method } = await authorize('openai')
    expect([url, method]).toEqual([`${openai.origin}/codex/device`, 'auto'])
    expect(instructions).toContain('FAKE-CODE')
    const waiting = callback('openai')
    openai.approveDevices()
    await waiting
    const [olga] = await stored(home, 'openai')
    expect(olga).toMatchObject({ label: 'olga@example.test', planTier: 'plus' })
    expect(olga).toMatchObject(tokensOf(openai, 'olga'))
    expect(await authOf(home, 'openai')).toEqual(EMPTY_ENTRY)
    await server.dispose()
    expect((await ask('openai')).text).toBe('answered by olga')
  })

  it('stops asking for a device code when the project is closed', async () => {
    const before = polls().length
    await authorize('openai')
    const outcome = callback('openai').then(() => 'added', String)
    await expect.poll(() => polls().length, POLL).toBeGreaterThan(before)
    await server.dispose()
    expect(await outcome).toContain('OauthCallbackFailed')
    expect(await stored(home, 'openai')).toHaveLength(1)
  })

  it('repairs a revoked account in the pool that is running', async () => {
    anthropic.account('ann').revoke()
    expect((await ask('anthropic')).error).toContain('it needs a new login')
    await expect
      .poll(() => stored(home, 'anthropic'), POLL)
      .toMatchObject([{ isAuthDisabled: true }])
    await pasteAs('ann')
    expect(await stored(home, 'anthropic')).toMatchObject([
      { tokenVersion: 1, isAuthDisabled: false },
    ])
    expect((await ask('anthropic')).text).toBe('answered by ann')
  })

  it('puts a second account beside the first, at the disposal of the running pool', async () => {
    await pasteAs('bob')
    expect(await stored(home, 'anthropic')).toMatchObject([
      { label: 'ann@example.test' },
      { label: 'bob@example.test' },
    ])
    anthropic.account('ann').revoke()
    expect((await ask('anthropic')).text).toBe('answered by bob')
  })

  it('fails with the reason in the log, takes the right code afterwards, and logs no secret', async () => {
    anthropic.loginAs('ann')
    const { url } = await authorize('anthropic')
    const pasted = await agreeOn(textOf(url) ?? '')
    await expect(callback('anthropic', `${pasted}x`)).rejects.toThrow('OauthCallbackFailed')
    await expect.poll(log, POLL).toContain('login failed: The pasted code belongs to another login')
    await callback('anthropic', pasted)
    await expect.poll(log, POLL).toContain('ann@example.test is signed in again')
    for (const canary of [...anthropic.canaries(), ...openai.canaries()]) {
      expect(await log()).not.toContain(canary)
      expect(server.stdout() + server.stderr()).not.toContain(canary)
    }
  })
})

describe('opencode auth login in a terminal', { timeout: HOST_MS }, () => {
  const terminals: Terminal[] = []
  let fake: Fake
  let home: Home

  beforeAll(async () => {
    fake = await createFakeAnthropic({ accounts: ['ann'] })
    home = await createHome({ fakes: [fake], plugins: [ENTRY], hasAccounts: false })
    await warmUp(home)
  }, HOST_MS)

  afterEach(async () => {
    for (const terminal of terminals.splice(0)) await terminal.close()
  })

  afterAll(async () => {
    await fake.close()
    await home.remove()
  })

  /** The page that the login names, and the terminal that waits for the code. */
  async function login() {
    const method = ['-p', 'anthropic', '-m', 'Add account (paste code)']
    const terminal = await openTerminal(home, ['auth', 'login', ...method])
    terminals.push(terminal)
    await expect.poll(terminal.screen, POLL).toContain('Paste the authorization code here')
    const [, url = ''] = /Go to: (\S+)/.exec(await terminal.screen()) ?? []
    return { terminal, url }
  }

  it('says what went wrong with a code that was not copied whole', async () => {
    const { terminal, url } = await login()
    const [code = ''] = (await agreeOn(url)).split('#')
    await terminal.enter(code)
    await expect.poll(terminal.screen, POLL).toContain(ENDED)
    const screen = await terminal.screen()
    expect(screen).toContain('The Anthropic login failed: What was pasted is not a login code.')
    expect(screen).toContain('Failed to authorize')
    expect(await stored(home, 'anthropic')).toEqual([])
  })

  it('adds the account, which then answers', async () => {
    const { terminal, url } = await login()
    await terminal.enter(await agreeOn(url))
    await expect.poll(terminal.screen, POLL).toContain(`${ENDED}0`)
    expect(await terminal.screen()).toContain('Login successful')
    expect(await stored(home, 'anthropic')).toMatchObject([{ label: 'ann@example.test' }])
    const { stdout } = await runPrompt(home, { prompt: 'hello', model: MODELS.anthropic })
    expect(stdout).toBe('answered by ann\n')
  })
})
