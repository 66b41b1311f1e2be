import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { readAuthLogins } from '../../src/host/auth-file.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { parseObject } from '../fake/json.ts'
import { ENTRY } from './built.ts'
import { type HomeOptions, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { startOpenCode } from './host/process.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'
import { startServer } from './host/serve.ts'

const HOST_MS = 60_000
const POLL = { timeout: 10_000, interval: 50 }
const EMPTY = { type: 'oauth', refresh: '', access: '', expires: 0 }
const LOGIN = { type: 'oauth', refresh: 'canary-r', access: 'canary-a', expires: 1 }
/** What may stand in the file, by a name that `opencode auth list` shows again. */
const ENTRIES = {
  'of-login': LOGIN,
  'of-empty': EMPTY,
  'of-more': { ...LOGIN, accountId: 'seat', enterpriseUrl: 'https://x.test', more: 1 },
  'of-fraction': { ...LOGIN, expires: 1.5 },
  'of-negative': { ...LOGIN, expires: -1 },
  'of-huge': { ...LOGIN, expires: 1e20 },
  'of-null': { ...LOGIN, accountId: null },
  'of-no-access': { type: 'oauth', refresh: 'canary-r', expires: 1 },
  'of-key': { type: 'api', key: 'canary-k' },
  'of-key-with-text': { type: 'api', key: 'canary-k', metadata: { a: 'b' } },
  'of-key-with-number': { type: 'api', key: 'canary-k', metadata: { a: 1 } },
  'of-no-key': { type: 'api' },
  'of-wellknown': { type: 'wellknown', key: 'canary-k', token: 'canary-t' },
  'of-no-token': { type: 'wellknown', key: 'canary-k' },
  'of-newer': { type: 'passkey', id: 'x' },
  'of-number': 1,
  'of-nothing': null,
}
const opened: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

describe('the login file of the real OpenCode', { timeout: HOST_MS }, () => {
  it('is read as OpenCode reads it: what it lists, and nothing else, counts', async () => {
    const home = await open({ auth: ENTRIES })
    const { stdout, stderr } = await startOpenCode(home, ['auth', 'list'], HOST_MS).finished
    const listed = Object.keys(ENTRIES).filter((name) => ` ${stdout}${stderr}`.match(`${name}\\s`))
    expect(listed).toContain('of-login')
    for (const [name, entry] of Object.entries(ENTRIES)) {
      writeFileSync(home.authFile, JSON.stringify({ [name]: entry }))
      const logins = await readAuthLogins({ file: home.authFile, given: undefined })
      const isSeen = logins.kind === 'read' && !logins.losesEntries
      expect([name, isSeen]).toEqual([name, listed.includes(name)])
    }
  })

  it('gets the entries of two processes that start at once, and again after a logout', async () => {
    const home = await open({})
    await warmUp(home)
    const runs = [MODELS.anthropic, MODELS.openai].map((model) =>
      runPrompt(home, { prompt: 'hello', model }),
    )
    expect(await Promise.all(runs)).toEqual([
      expect.objectContaining({ stdout: 'answered by ann\n' }),
      expect.objectContaining({ stdout: 'answered by olga\n' }),
    ])
    expect(authOf(home)).toEqual({ anthropic: EMPTY, openai: EMPTY })

    const logout = ['auth', 'logout', 'anthropic']
    await startOpenCode(home, logout, HOST_MS).finished
    expect(authOf(home)).toEqual({ openai: EMPTY })
    const { stdout } = await runPrompt(home, { prompt: 'hello', model: MODELS.anthropic })
    expect(stdout).toBe('answered by ann\n')
    expect(authOf(home)).toEqual({ anthropic: EMPTY, openai: EMPTY })
  })

  it.each([
    ['it holds what OpenCode would drop', { other: { type: 'passkey' } }, {}, '/'],
    [
      'OpenCode was given older logins',
      { other: { ...LOGIN, refresh: 'canary-newer' } },
      { OPENCODE_AUTH_CONTENT: JSON.stringify({ other: LOGIN }) },
      'OPENCODE_AUTH_CONTENT has no entry',
    ],
  ])('is not written when %s, and the log says so', async (_, auth, env, why) => {
    const home = await open({ auth, env })
    const before = snapshotOf(home.authFile)
    const server = await startServer(home)
    opened.push({ close: () => server.stop() })
    await server.createSession()
    const log = async () => (await home.read(home.logFile)) ?? ''
    await expect.poll(log, POLL).toContain(`OpenCode does not use the OpenAI accounts. ${why}`)
    await expect.poll(log, POLL).toContain(`OpenCode does not use the Anthropic accounts. ${why}`)
    expect(snapshotOf(home.authFile)).toEqual(before)
  })
})

async function open(options: HomeOptions) {
  const anthropic = await createFakeAnthropic({ accounts: ['ann'] })
  const openai = await createFakeOpenAI({ accounts: ['olga'] })
  const home = await createHome({ fakes: [anthropic, openai], plugins: [ENTRY], ...options })
  opened.push(anthropic, openai, { close: () => home.remove() })
  return home
}

function authOf({ authFile }: { readonly authFile: string }) {
  return parseObject(readFileSync(authFile, 'utf8'))
}

function snapshotOf(file: string) {
  return { text: readFileSync(file, 'utf8'), changedAt: statSync(file).mtimeMs }
}
