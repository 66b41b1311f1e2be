import { readFileSync, statSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { objectsOf, parseObject, textOf } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { agreeOn } from '../login/begin.ts'
import { ENTRY } from './built.ts'
import { type Home, type HomeOptions, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'
import { startServer } from './host/serve.ts'

const HOST_MS = 60_000
/** A pasted code, or a device's; the browser comes first. */
const BY_CODE = 1
const KEY = { type: 'api', key: 'canary-sk-of-the-person' }
const opened: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

const FAKES = { anthropic: createFakeAnthropic, openai: createFakeOpenAI } as const

describe.each(['anthropic', 'openai'] as const)('OpenCode’s own %s login', (provider) => {
  it(
    'becomes the account of an empty pool, once, and its file stays as it is',
    async () => {
      const { fake, home } = await open(provider, (tokens) => ({ type: 'oauth', ...tokens }))
      await warmUp(home)
      const before = snapshotOf(home.authFile)
      const answers = await Promise.all([ask(home, provider), ask(home, provider)])
      const said = answers.map(({ stderr }) => stderr).join('\n')
      const answered = expect.objectContaining({ exitCode: 0, stdout: 'answered by ann\n' })
      expect(answers).toEqual([answered, answered])
      expect(snapshotOf(home.authFile)).toEqual(before)
      const [account, ...others] = await stored(home, provider)
      expect(others).toEqual([])
      expect(account).toMatchObject({
        label: provider === 'openai' ? 'ann@example.test' : 'OpenCode login',
        refreshToken: fake.account('ann').tokens().refreshToken,
      })
      expect(said).toContain('login of OpenCode is now an account of the pool')
      for (const canary of fake.canaries()) expect(said).not.toContain(canary)
    },
    HOST_MS,
  )
})

describe('what the person has in OpenCode', { timeout: HOST_MS }, () => {
  it('stays there when accounts are added, which then answer', async () => {
    const fakes = [
      await createFakeAnthropic({ accounts: ['ann'] }),
      await createFakeOpenAI({ accounts: ['ann'] }),
    ]
    opened.push(...fakes)
    const login = { type: 'oauth', refresh: 'canary-of-another', access: '', expires: 1, more: 1 }
    const auth = { anthropic: KEY, openai: login }
    const home = await createHome({ fakes, plugins: [ENTRY], hasAccounts: false, auth })
    opened.push({ close: () => home.remove() })
    const before = snapshotOf(home.authFile)
    const server = await startServer(home)
    opened.push({ close: () => server.stop() })
    const signIn = (provider: string, step: string, code?: string) =>
      server.call('POST', `/provider/${provider}/oauth/${step}`, { method: BY_CODE, code })
    const [anthropic, openai] = fakes

    anthropic?.loginAs('ann')
    const { url } = await signIn('anthropic', 'authorize')
    await signIn('anthropic', 'callback', await agreeOn(textOf(url) ?? ''))
    openai?.loginAs('ann')
    await signIn('openai', 'authorize')
    const waiting = signIn('openai', 'callback')
    openai?.approveDevices()
    await waiting
    expect(await stored(home, 'anthropic')).toMatchObject([{ label: 'ann@example.test' }])
    expect(await stored(home, 'openai')).toMatchObject([
      { label: 'OpenCode login' },
      { label: 'ann@example.test' },
    ])
    expect(snapshotOf(home.authFile)).toEqual(before)

    await server.dispose()
    for (const model of [MODELS.anthropic, MODELS.openai]) {
      const session = await server.createSession()
      const answer = await server.prompt(session, { prompt: 'hello', model })
      expect(answer.text).toBe('answered by ann')
    }
    expect(snapshotOf(home.authFile)).toEqual(before)
  })

  it('goes on to be used when it is an OpenAI key, and the screen says so', async () => {
    const { fake, home } = await open('openai', () => KEY, { hasAccounts: true })
    const server = await startServer(home)
    opened.push({ close: () => server.stop() })
    const session = await server.createSession()
    await server.prompt(session, { prompt: 'hello', model: MODELS.openai })
    expect(fake.modelRequests().map(({ account }) => account)).toEqual([undefined])
    const said = 'OpenCode has an API key for OpenAI and uses it instead'
    const { properties } = await server.waitForEvent(({ type }) => type === 'tui.toast.show')
    expect(properties['message']).toContain(said)
    expect(properties['message']).toContain('opencode auth logout')
    await expect.poll(() => home.read(home.logFile)).toContain(said)
    expect(parseObject((await home.read(home.authFile)) ?? '')).toEqual({ openai: KEY })
  })
})

async function open(
  provider: keyof typeof FAKES,
  entryOf: (tokens: { refresh: string; access: string; expires: number }) => object,
  options: HomeOptions = {},
): Promise<{ fake: Fake; home: Home }> {
  const fake = await FAKES[provider]({ accounts: ['ann'] })
  opened.push(fake)
  const [ann] = fake.seed().accounts
  const entry = entryOf({
    refresh: ann?.refreshToken ?? '',
    access: ann?.accessToken ?? '',
    expires: ann?.expiresAt ?? 0,
  })
  const home = await createHome({
    fakes: [fake],
    plugins: [ENTRY],
    hasAccounts: false,
    hasBaseUrls: true,
    auth: { [provider]: { ...entry } },
    ...options,
  })
  opened.push({ close: () => home.remove() })
  return { fake, home }
}

function ask(home: Home, provider: keyof typeof FAKES) {
  const args = ['--print-logs']
  return runPrompt(home, { prompt: 'hello', model: MODELS[provider], args })
}

async function stored(home: Home, provider: string) {
  const file = parseObject((await home.read(home.accountsFile(provider))) ?? '')
  return objectsOf(file?.['accounts'])
}

function snapshotOf(file: string) {
  return { bytes: readFileSync(file, 'utf8'), changedAt: statSync(file).mtimeMs }
}
