import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { CHECKOUT, ENTRY, install, pack } from './built.ts'
import { type Home, type HomeOptions, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { warmUp } from './host/warm-up.ts'
import { runPrompt } from './host/run.ts'

const HOST_MS = 60_000

describe('OpenCode loads the plugin', { timeout: HOST_MS }, () => {
  const homes: Home[] = []
  let anthropic: Fake
  let openai: Fake
  let folder: string
  let tarball: string

  beforeAll(async () => {
    anthropic = await createFakeAnthropic({ accounts: ['one'] })
    openai = await createFakeOpenAI({ accounts: ['two'] })
    folder = await mkdtemp(join(tmpdir(), 'rota-pack-'))
    tarball = await pack(folder)
  }, HOST_MS)

  afterEach(async () => {
    for (const home of homes.splice(0)) await home.remove()
  })

  afterAll(async () => {
    await Promise.all([anthropic.close(), openai.close()])
    await rm(folder, { recursive: true, force: true })
  })

  /** Asks both providers: an import that fails is silent, so only what the fakes saw counts. */
  async function answers(options: HomeOptions): Promise<string[]> {
    const home = await createHome({ fakes: [anthropic, openai], ...options })
    homes.push(home)
    // Two first starts at once race in the host's own database.
    await warmUp(home)
    const asked = [MODELS.anthropic, MODELS.openai].map((model) =>
      runPrompt(home, { prompt: 'hello', model }),
    )
    return (await Promise.all(asked)).map(({ stdout }) => stdout.trim())
  }
  const BOTH = ['answered by one', 'answered by two']

  it('from the path of the built file', async () => {
    expect(await answers({ plugins: [ENTRY] })).toEqual(BOTH)
  })

  it('from the folder of a checkout', async () => {
    expect(await answers({ plugins: [pathToFileURL(CHECKOUT).href] })).toEqual(BOTH)
  })

  it('from the packed tarball, installed into an empty folder', async () => {
    const installed = await install(tarball)
    expect(await answers({ plugins: [pathToFileURL(installed).href] })).toEqual(BOTH)
    await rm(join(installed, '..', '..'), { recursive: true, force: true })
  })

  it('from the packed tarball, which OpenCode installs itself', async () => {
    expect(await answers({ plugins: [`opencode-rota@file:${tarball}`] })).toEqual(BOTH)
  })

  it('from the plugins folder of the project', async () => {
    const source = await readFile(new URL(ENTRY), 'utf8')
    expect(await answers({ project: { '.opencode/plugins/rota.js': source } })).toEqual(BOTH)
  })

  it('and leaves the providers to it where its options switch it off', async () => {
    const home = await createHome({
      fakes: [anthropic],
      plugins: [[ENTRY, { anthropic: { enabled: false } }]],
    })
    homes.push(home)
    const { stdout } = await runPrompt(home, { prompt: 'hello', model: MODELS.anthropic })
    expect(stdout).not.toContain('answered by')
    expect(await home.read(home.authFile)).toBeUndefined()
  })
})
