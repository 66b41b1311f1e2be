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
import { warmUp } from './host/process.ts'
import { runPrompt } from './host/run.ts'
import { startServer } from './host/serve.ts'

const HOST_MS = 60_000
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
      expect(answers.map(({ stdout }) => stdout)).toEqual([
        'answered by ann\n',
        'answered by ann\n',
      ])
      expect(snapshotOf(home.authFile)).toEqual(before)
      const [account, ...others] = await stored(home, provider)
      expect(others).toEqual([])
      expect(account).toMatchObject({
        label: provider === 'openai' ? 'ann@example.test' : 'OpenCode login',
        refreshToken: fake.account('ann').tokens().refreshToken,
      })
      const said = answers.map(({ stderr }) => stderr).join('\n')
      expect(said).toContain('login of OpenCode is now an account of the pool')
      for (const canary of fake.canaries()) expect(said).not.toContain(canary)
    },
    HOST_MS,
  )
})

describe('an API key of the person in OpenCode', () => {
  it(
    'stays there when an account is added, which then answers',
    async () => {
      const { fake, home } = await open('anthropic', () => KEY)
      const server = await startServer(home)
      opened.push({ close: () => server.stop() })
      fake.loginAs('ann')
      const { url } = await server.call('POST', '/provider/anthropic/oauth/authorize', {
        method: 0,
      })
      const code = await agreeOn(textOf(url) ?? '')
      await server.call('POST', '/provider/anthropic/oauth/callback', { method: 0, code })
      expect(await stored(home, 'anthropic')).toHaveLength(1)
      expect(parseObject((await home.read(home.authFile)) ?? '')).toEqual({ anthropic: KEY })
      await server.dispose()
      const session = await server.createSession()
      const answer = await server.prompt(session, { prompt: 'hello', model: MODELS.anthropic })
      expect(answer.text).toBe('answered by ann')
    },
    HOST_MS,
  )

  it(
    'goes on to be used for OpenAI, whose accounts need another entry, and says so',
    async () => {
      const { fake, home } = await open('openai', () => KEY, { hasAccounts: true })
      const { stderr } = await ask(home, 'openai')
      expect(stderr).toContain('OpenCode has an API key for OpenAI and uses it instead')
      expect(stderr).toContain('opencode auth logout')
      expect(fake.modelRequests().map(({ account }) => account)).toEqual([undefined])
      expect(parseObject((await home.read(home.authFile)) ?? '')).toEqual({ openai: KEY })
    },
    HOST_MS,
  )
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
