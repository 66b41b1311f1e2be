import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ANSWERS, SILENCE } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { startOpenCode } from './host/process.ts'
import { type HostServer, startServer } from './host/serve.ts'

const HOST_MS = 60_000

describe('a running OpenCode', { timeout: HOST_MS }, () => {
  let fake: Fake
  let home: Home
  let server: HostServer

  beforeAll(async () => {
    fake = await createFakeAnthropic({ accounts: ['one', 'two'] })
    home = await createHome({ fakes: [fake], plugins: [ENTRY] })
    server = await startServer(home)
  }, HOST_MS)

  afterEach(() => {
    for (const account of fake.accounts()) account.behave(ANSWERS)
  })

  afterAll(async () => {
    await server.stop()
    await fake.close()
    await home.remove()
  })

  const ask = async () =>
    server.prompt(await server.createSession(), { prompt: 'hello', model: MODELS.anthropic })

  it('follows a change of the configuration without a restart', async () => {
    expect((await ask()).text).toBe('answered by one')
    expect(fake.modelRequests().at(-1)?.path).toBe('/v1/messages?beta=true')
    const config = join(home.configDir, 'claude-multiauth.json')
    const fields: Record<string, unknown> = JSON.parse(await readFile(config, 'utf8'))
    fields['request_transforms'] = { enableMessagesBetaQuery: false }
    await writeFile(config, JSON.stringify(fields))
    await expect
      .poll(async () => ((await ask()).text, fake.modelRequests().at(-1)?.path), {
        timeout: 10_000,
      })
      .toBe('/v1/messages')
  })

  it('follows a change that another program made to the accounts', async () => {
    const file = home.accountsFile('anthropic')
    const document: { accounts: { label: string; enabled?: boolean }[] } = JSON.parse(
      await readFile(file, 'utf8'),
    )
    for (const account of document.accounts) account.enabled = account.label !== 'one'
    await writeFile(file, JSON.stringify(document))
    expect((await ask()).text).toBe('answered by two')
  })

  it('ends at SIGTERM in the middle of a request and leaves no lock behind', async () => {
    fake.account('two').behave(SILENCE)
    const seen = fake.modelRequests().length
    const flags = ['run', '--model', MODELS.anthropic, '--title', 'test', 'hello']
    const running = startOpenCode(home, flags, HOST_MS)
    await expect.poll(() => fake.modelRequests().length, { timeout: 20_000 }).toBeGreaterThan(seen)
    // Until then a lock may be on its way that its process does not know of yet. The file is there
    // a moment before its lock is gone.
    const claims = join(home.configDir, 'multiauth-claims.json')
    await expect.poll(() => home.read(claims), { timeout: 20_000 }).toContain(`${running.pid}`)
    await expect.poll(() => locksIn(home.configDir), { timeout: 20_000 }).toEqual([])
    running.kill('SIGTERM')
    const { isTimedOut } = await running.finished
    expect(isTimedOut).toBe(false)
    expect(await locksIn(home.configDir)).toEqual([])
  })
})

async function locksIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.includes('.lock'))
}
