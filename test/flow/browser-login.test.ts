import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { objectsOf, parseObject, textOf } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { TURN_MS, occupy, takeTurnOnFixedPort } from '../login/fixed-port.ts'
import { LOOPBACK, isListening } from '../login/raw.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'
import { type HostServer, startServer } from './host/serve.ts'
import { ENDED, type Terminal, openTerminal } from './terminal.ts'

const HOST_MS = 60_000
const POLL = { timeout: 20_000, interval: 50 }
const OPENAI_PORT = 1455
const BUSY = 'Port 1455 is used by another program, so a browser cannot come back here.'

let endTurn: () => void
let anthropic: Fake
let openai: Fake

beforeAll(async () => {
  anthropic = await createFakeAnthropic({ accounts: ['ann', 'bob'] })
  openai = await createFakeOpenAI({ accounts: ['olga', 'otto'] })
  endTurn = await takeTurnOnFixedPort()
}, TURN_MS)

afterAll(async () => {
  endTurn()
  await Promise.all([anthropic.close(), openai.close()])
})

async function stored(home: Home, provider: string) {
  const file = parseObject((await home.read(home.accountsFile(provider))) ?? '')
  return objectsOf(file?.['accounts'])
}

/** A person opens the page and agrees at once; the browser follows to the listener. */
async function agree(url: unknown): Promise<string> {
  return (await fetch(textOf(url) ?? '')).text()
}

describe('a browser login through the server of OpenCode', { timeout: HOST_MS }, () => {
  let home: Home
  let server: HostServer

  beforeAll(async () => {
    const fakes = [anthropic, openai]
    // A server opens no page, wherever it runs: whoever asks it does.
    const env = { DISPLAY: ':9' }
    home = await createHome({ fakes, plugins: [ENTRY], hasAccounts: false, env })
    server = await startServer(home)
  }, HOST_MS)

  afterAll(async () => {
    await server.stop()
    await home.remove()
  })

  const authorize = (provider: string) =>
    server.call('POST', `/provider/${provider}/oauth/authorize`, { method: 0 })
  const callback = (provider: string) =>
    server.call('POST', `/provider/${provider}/oauth/callback`, { method: 0 })
  const ask = async (provider: 'anthropic' | 'openai') =>
    server.prompt(await server.createSession(), { prompt: 'hello', model: MODELS[provider] })

  it.each([
    ['anthropic', () => anthropic, 'ann', 'max'],
    ['openai', () => openai, 'olga', 'plus'],
  ] as const)('adds an account of %s, which then answers', async (id, fake, name, planTier) => {
    const { url, method, instructions } = await authorize(id)
    expect(method).toBe('auto')
    expect(instructions).toContain('Sign in on the page, within 5 minutes.')
    const waiting = callback(id)
    expect(await agree(url)).toContain('You can close this page')
    await waiting
    const { accountId, tokens } = fake().account(name)
    const { accessToken, refreshToken } = tokens()
    expect(await stored(home, id)).toMatchObject([
      { label: `${name}@example.test`, planTier, accountId, accessToken, refreshToken },
    ])
    await server.dispose()
    expect((await ask(id)).text).toBe(`answered by ${name}`)
  })

  it('knows the same person again, and the second one beside the first', async () => {
    for (const name of ['ann', 'bob']) {
      anthropic.loginAs(name)
      const { url } = await authorize('anthropic')
      // Before anybody waits: it is kept.
      await agree(url)
      await callback('anthropic')
    }
    expect(await stored(home, 'anthropic')).toMatchObject([
      { label: 'ann@example.test', tokenVersion: 1 },
      { label: 'bob@example.test' },
    ])
  })

  it('begins anew while the page of a login that was left still waits', async () => {
    await authorize('openai')
    const left = callback('openai').then(() => 'added', String)
    const { url } = await authorize('openai')
    const waiting = callback('openai')
    await agree(url)
    await waiting
    expect(await left).toContain('OauthCallbackFailed')
  })

  it('gives a code to type in when another program has the port, and says why', async () => {
    const release = await occupy(OPENAI_PORT)
    openai.loginAs('otto')
    const { url, instructions, method } = await authorize('openai')
    expect([url, method]).toEqual([`${openai.origin}/codex/device`, 'auto'])
    expect(instructions).toBe(
      `${BUSY} Enter the code FAKE-CODE on the page. It is valid for 15 minutes.`,
    )
    const waiting = callback('openai')
    openai.approveDevices()
    await waiting
    release?.()
    expect(await stored(home, 'openai')).toMatchObject([
      { label: 'olga@example.test' },
      { label: 'otto@example.test' },
    ])
  })

  it('listens no longer when the project is closed', async () => {
    const { url } = await authorize('anthropic')
    const way = new URL(new URL(textOf(url) ?? '').searchParams.get('redirect_uri') ?? '')
    expect(await isListening(Number(way.port), '127.0.0.1')).toBe(true)
    await server.dispose()
    for (const host of LOOPBACK) {
      await expect.poll(() => isListening(Number(way.port), host), POLL).toBe(false)
    }
  })
})

describe('a browser login in a terminal', { timeout: HOST_MS }, () => {
  const terminals: Terminal[] = []
  let home: Home
  let opened: string

  beforeAll(async () => {
    home = await createHome({ fakes: [anthropic, openai], plugins: [ENTRY], hasAccounts: false })
    await warmUp(home)
    opened = join(home.root, 'opened')
    await mkdir(join(home.root, 'bin'))
    const opener = join(home.root, 'bin', 'xdg-open')
    await writeFile(opener, `#!/bin/sh\nfor word; do echo "$word" >> '${opened}'; done\n`)
    await chmod(opener, 0o755)
  }, HOST_MS)

  afterEach(async () => {
    for (const terminal of terminals.splice(0)) await terminal.close()
  })

  afterAll(() => home.remove())

  /** With a display, and a browser that only notes what it is to show. */
  const withDisplay = (): Home => {
    const PATH = `${join(home.root, 'bin')}:${home.env['PATH']}`
    return { ...home, env: { ...home.env, PATH, DISPLAY: ':9' } }
  }

  async function open(place: Home, args: readonly string[]): Promise<Terminal> {
    const terminal = await openTerminal(place, args)
    terminals.push(terminal)
    return terminal
  }

  async function openedPages(): Promise<readonly string[]> {
    return ((await home.read(opened)) ?? '').split('\n').filter((line) => line !== '')
  }

  it('comes right after the menu, opens the page itself, and adds the account', async () => {
    anthropic.loginAs('ann')
    const terminal = await open(withDisplay(), ['auth', 'login', '-p', 'anthropic'])
    await expect.poll(terminal.screen, POLL).toContain('● Manage accounts')
    await terminal.press('Down')
    await expect.poll(terminal.screen, POLL).toContain('● Add account (browser)')
    await terminal.enter()
    const url = await urlOn(terminal)
    expect(await terminal.screen()).toContain('Sign in in the browser that opens')
    await expect.poll(openedPages, POLL).toEqual([url])
    await agree(url)
    await expect.poll(terminal.screen, POLL).toContain(`${ENDED}0`)
    expect(await terminal.screen()).toContain('Login successful')
    expect(await stored(home, 'anthropic')).toMatchObject([{ label: 'ann@example.test' }])
    const { stdout } = await runPrompt(home, { prompt: 'hello', model: MODELS.anthropic })
    expect(stdout).toBe('answered by ann\n')
  })

  it('leaves the page to the person where there is no display', async () => {
    openai.loginAs('olga')
    const before = await openedPages()
    const method = ['-p', 'openai', '-m', 'Add account (browser)']
    const terminal = await open(home, ['auth', 'login', ...method])
    const url = await urlOn(terminal)
    expect(await terminal.screen()).toContain('Sign in on the page')
    await agree(url)
    await expect.poll(terminal.screen, POLL).toContain(`${ENDED}0`)
    expect(await openedPages()).toEqual(before)
    expect(await stored(home, 'openai')).toMatchObject([{ label: 'olga@example.test' }])
    const { stdout } = await runPrompt(home, { prompt: 'hello', model: MODELS.openai })
    expect(stdout).toBe('answered by olga\n')
  })

  it('goes on with a code to type in when another program has the port', async () => {
    openai.loginAs('otto')
    const release = await occupy(OPENAI_PORT)
    const method = ['-p', 'openai', '-m', 'Add account (browser)']
    const terminal = await open(home, ['auth', 'login', ...method])
    await expect.poll(terminal.screen, POLL).toContain(`${BUSY} Enter the code FAKE-CODE`)
    openai.approveDevices()
    await expect.poll(terminal.screen, POLL).toContain(`${ENDED}0`)
    release?.()
    expect(await stored(home, 'openai')).toMatchObject([{}, { label: 'otto@example.test' }])
  })

  it('says on the screen what went wrong', async () => {
    const method = ['-p', 'anthropic', '-m', 'Add account (browser)']
    const terminal = await open(home, ['auth', 'login', ...method])
    const asked = new URL(await urlOn(terminal)).searchParams
    const query = new URLSearchParams({ error: 'access_denied', state: asked.get('state') ?? '' })
    expect(await agree(`${asked.get('redirect_uri')}?${query.toString()}`)).toContain(
      'No access was given',
    )
    await expect.poll(terminal.screen, POLL).toContain(ENDED)
    const screen = await terminal.screen()
    expect(screen).toContain('The Anthropic login failed: Anthropic gave no access')
    expect(screen).toContain('Failed to authorize')
  })

  it('is the same in the TUI under /connect', async () => {
    anthropic.loginAs('bob')
    const before = (await openedPages()).length
    const terminal = await open(withDisplay(), [])
    await expect.poll(terminal.screen, POLL).toContain('Ask anything')
    await terminal.type('/connect')
    await expect.poll(terminal.screen, POLL).toContain('Connect provider')
    await terminal.enter()
    await expect.poll(terminal.screen, POLL).toContain('GitHub Copilot')
    await terminal.type('Anthropic')
    await expect.poll(terminal.screen, POLL).not.toContain('GitHub Copilot')
    await terminal.enter()
    await expect.poll(terminal.screen, POLL).toContain('Add account (browser)')
    expect(await terminal.screen()).not.toContain('Manage accounts')
    await terminal.enter()
    await expect.poll(terminal.screen, POLL).toContain('Waiting for authorization')
    await expect.poll(async () => (await openedPages()).length, POLL).toBe(before + 1)
    await agree((await openedPages()).at(-1))
    await expect
      .poll(() => stored(home, 'anthropic'), POLL)
      .toMatchObject([{ label: 'ann@example.test' }, { label: 'bob@example.test' }])
    await expect.poll(terminal.screen, POLL).toContain('Claude Sonnet')
  })
})

async function urlOn({ screen }: Terminal): Promise<string> {
  await expect.poll(screen, POLL).toContain('Waiting for authorization')
  const [, url = ''] = /Go to: (\S+)/.exec(await screen()) ?? []
  return url
}
