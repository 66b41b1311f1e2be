import { mkdir, rm, writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { ENTRY } from './built.ts'
import { type Home, type HomeOptions, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { runPrompt } from './host/run.ts'
import { startServer } from './host/serve.ts'

const HOST_MS = 60_000
const SIGNED_IN = { anthropic: { type: 'oauth', refresh: '', access: '', expires: 0 } }

/** The log comes on stderr: its file is written late, and not at all when the process ends. */
function ask(home: Home) {
  return runPrompt(home, { prompt: 'hello', model: MODELS.anthropic, args: ['--print-logs'] })
}

describe('with bad input OpenCode', { timeout: HOST_MS }, () => {
  const homes: Home[] = []
  let fake: Fake

  beforeAll(async () => {
    fake = await createFakeAnthropic({ accounts: ['one', 'two'] })
  })

  afterEach(async () => {
    for (const home of homes.splice(0)) await home.remove()
  })

  afterAll(() => fake.close())

  async function prepare(options: HomeOptions = {}): Promise<Home> {
    const home = await createHome({ fakes: [fake], plugins: [ENTRY], auth: SIGNED_IN, ...options })
    homes.push(home)
    return home
  }

  it('stops at once without an account and shows the one sentence that helps', async () => {
    const { stdout, stderr, exitCode, isTimedOut } = await ask(
      await prepare({ hasAccounts: false }),
    )
    expect([stdout, isTimedOut]).toEqual(['', false])
    expect(stderr).toContain('No Anthropic account is signed in: run "opencode auth login"')
    expect(exitCode).toBe(1)
  })

  it('uses the good accounts, names the bad one in the log and keeps it in the file', async () => {
    const home = await prepare()
    const seed: unknown = fake.seed()
    const bad = { uuid: 'no-refresh-token', label: 'bad', accessToken: 'x' }
    const good = JSON.parse(JSON.stringify(seed))
    good.accounts.unshift(bad)
    await writeFile(home.accountsFile('anthropic'), JSON.stringify(good))
    const { stdout, stderr } = await ask(home)
    expect(stdout).toContain('answered by one')
    expect(stderr).toMatch(/level=WARN.*claude-multiauth: .*refresh ?token/i)
    expect(await home.read(home.accountsFile('anthropic'))).toContain('no-refresh-token')
  })

  it('survives a folder where the accounts file should be, and says so', async () => {
    const home = await prepare()
    await rm(home.accountsFile('anthropic'))
    await mkdir(home.accountsFile('anthropic'))
    const { stderr } = await ask(home)
    expect(stderr).toMatch(/level=ERROR.*claude-multiauth: .*accounts\.json/)
    expect(stderr).toContain('The Anthropic accounts cannot be used')
  })

  it('does not touch a file that a newer version wrote', async () => {
    const home = await prepare()
    const newer = JSON.stringify({ version: 2, accounts: [{ shape: 'of tomorrow' }] })
    await writeFile(home.accountsFile('anthropic'), newer)
    expect((await ask(home)).stderr).toContain('The Anthropic accounts cannot be used')
    expect(await home.read(home.accountsFile('anthropic'))).toBe(newer)
  })

  it('takes the default for one bad field, reports it once, and uses the others', async () => {
    const home = await prepare({
      settings: {
        anthropic: { max_wait_ms: 'long', request_transforms: { enableMessagesBetaQuery: false } },
      },
    })
    const { stdout, stderr } = await ask(home)
    expect(stdout).toContain('answered by one')
    expect(stderr.match(/max_wait_ms.*its default is used/g)).toHaveLength(1)
    expect(fake.modelRequests().at(-1)?.path).toBe('/v1/messages')
  })

  it.each([
    ['shows', false, 1],
    ['does not show', true, 0],
  ])('%s the complaint as a toast with quiet_mode %s', async (_verb, quiet, toasts) => {
    const settings = { anthropic: { max_wait_ms: 'long', quiet_mode: quiet } }
    const server = await startServer(await prepare({ settings }))
    const session = await server.createSession()
    await server.prompt(session, { prompt: 'hello', model: MODELS.anthropic })
    await server.waitForEvent(({ type }) => type === 'session.idle')
    if (toasts > 0) await server.waitForEvent(({ type }) => type === 'tui.toast.show')
    const shown = server.events.filter(({ type }) => type === 'tui.toast.show')
    await server.stop()
    expect(shown.map(({ properties }) => JSON.stringify(properties))).toEqual(
      Array.from({ length: toasts }, () => expect.stringContaining('max_wait_ms')),
    )
  })
})
