import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findSecret } from '../canary/forms.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { pictureOf, soon, watchStream } from '../inspect/stream.ts'
import { isListening } from '../login/raw.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { startOpenCode } from './host/process.ts'
import { type HostServer, startServer } from './host/serve.ts'

const HOST_MS = 60_000
const HOUR = 3_600_000
const ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}\//g

describe('OpenCode with the inspector', { timeout: HOST_MS }, () => {
  let fakes: readonly Fake[]
  let home: Home
  let server: HostServer

  beforeAll(async () => {
    fakes = [
      await createFakeAnthropic({ accounts: ['acc1', 'acc2'] }),
      await createFakeOpenAI({ accounts: ['solo'] }),
    ]
    home = await createHome({ fakes, plugins: [ENTRY], env: { ROTA_INSPECT: '1' } })
    server = await startServer(home)
    await server.createSession()
  }, HOST_MS)

  afterAll(async () => {
    await server.stop()
    for (const fake of fakes) await fake.close()
    await home.remove()
  })

  const addresses = async () => (await home.read(home.logFile))?.match(ADDRESS) ?? []

  it('tells in its log where it is, once, and shows a limit', async () => {
    await expect.poll(addresses, { timeout: 10_000 }).toHaveLength(1)
    const [url = ''] = await addresses()
    const stream = await watchStream(`${url}events`)
    const labels = () =>
      pictureOf(stream).pools.flatMap(({ accounts }) => accounts.map(({ label }) => label))
    await soon(() => expect(new Set(labels())).toEqual(new Set(['acc1', 'acc2', 'solo'])))
    expect(pictureOf(stream).pid).toBe(server.pid)
    const state = () =>
      pictureOf(stream).pools.find(({ provider }) => provider === 'anthropic')?.accounts[0]?.state
    expect(state()).toBe('active')
    fakes[0]?.account('acc1').behave(LIMITED_UNTIL(Date.now() + HOUR))
    const session = await server.createSession()
    await server.prompt(session, { prompt: 'hello', model: MODELS.anthropic })
    await soon(() => expect(state()).toBe('rateLimited'))
    expect(stream.text()).toContain('5-hour window of acc1 is used up until')
    expect(stream.text()).toContain(session)
    const messages = await watchStream(`${url}inspect`)
    await soon(() => expect(messages.text()).toContain('"name":"claims"'))
    expect(messages.text()).toContain('"value":{"availability":"rateLimited","token":"idle"}')
    expect(findSecret(stream.text() + messages.text())).toBe(undefined)
  })

  it('keeps who looks, and its address, when OpenCode starts its plugins again', async () => {
    const [url = ''] = await addresses()
    const stream = await watchStream(`${url}events`)
    const providers = () => pictureOf(stream).pools.map(({ provider }) => provider)
    await soon(() => expect(providers()).toHaveLength(2))
    await server.dispose()
    await soon(() => expect(providers()).toEqual([]))
    await server.createSession()
    await expect.poll(() => new Set(providers())).toEqual(new Set(['anthropic', 'openai']))
    expect(stream.hasEnded()).toBe(false)
    expect(await addresses()).toEqual([url])
  })

  it('comes and goes with the configuration', async () => {
    const plain = await createHome({ fakes: fakes.slice(0, 1), plugins: [ENTRY] })
    const other = await startServer(plain)
    await other.createSession()
    const file = join(plain.configDir, 'claude-multiauth.json')
    const fields: Record<string, unknown> = JSON.parse(await readFile(file, 'utf8'))
    const log = async () => (await plain.read(plain.logFile))?.match(ADDRESS) ?? []
    expect(await log()).toEqual([])
    await writeFile(file, JSON.stringify({ ...fields, inspect: true }))
    await expect.poll(log, { timeout: 10_000 }).toHaveLength(1)
    const [url = ''] = await log()
    expect((await fetch(url)).status).toBe(200)
    await writeFile(file, JSON.stringify(fields))
    const port = Number(new URL(url).port)
    await expect.poll(() => isListening(port, '127.0.0.1'), { timeout: 10_000 }).toBe(false)
    await other.stop()
    await plain.remove()
  })

  it('ends by itself when its work is done', async () => {
    const flags = ['run', '--model', MODELS.openai, '--title', 'test', 'hello']
    const { stdout, exitCode, isTimedOut } = await startOpenCode(home, flags, HOST_MS / 2).finished
    expect([stdout.trim(), exitCode, isTimedOut]).toEqual(['answered by solo', 0, false])
  })
})
