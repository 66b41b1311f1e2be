import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ANSWERS, CALLS_TOOL, LIMITED_UNTIL } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { type Json, isObject, objectsOf, parseObject, textOf } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { startOpenCode } from './host/process.ts'
import { runPrompt } from './host/run.ts'
import { type HostServer, startServer } from './host/serve.ts'

const HOST_MS = 60_000
const HOUR = 3_600_000
const NAMES = { anthropic: 'claude_multiauth', openai: 'chatgpt_multiauth' }

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('in the middle of a session with %s', (name, createFake) => {
  let fake: Fake
  let home: Home
  let server: HostServer

  beforeAll(async () => {
    fake = await createFake({ accounts: ['first', 'second'] })
    home = await createHome({ fakes: [fake], plugins: [ENTRY] })
    server = await startServer(home)
  }, HOST_MS)

  afterAll(async () => {
    await server.stop()
    await fake.close()
    await home.remove()
  })

  async function askTool(tool: string): Promise<string> {
    for (const account of fake.accounts()) account.behave(CALLS_TOOL(tool, {}, 'done'))
    const session = await server.createSession()
    const { text } = await server.prompt(session, { prompt: 'look', model: MODELS[fake.id] })
    expect(text).toContain('done')
    return fake.modelRequests().at(-1)?.bodyText ?? ''
  }

  it(
    'the model can see every account, and why requests went where they went',
    async () => {
      fake.account('first').behave(LIMITED_UNTIL(Date.now() + HOUR))
      fake.account('second').behave(ANSWERS)
      const session = await server.createSession()
      await server.prompt(session, { prompt: 'hello', model: MODELS[fake.id] })

      const status = await askTool(`${NAMES[fake.id]}_status`)
      expect(status).toContain(`**2 ${name} accounts**, 1 ready`)
      expect(status).toMatch(/- \*\*first\*\*[^-]*: limited, back (at|on) /)
      expect(status).toContain('its 5-hour window is used up')
      expect(status).toContain('**second** (in use)')
      const why = await askTool(`${NAMES[fake.id]}_why`)
      expect(why).toMatch(/This conversation.*second gets the request.*moved from first to second/)
      expect(why).not.toContain('active (ready)')
      for (const canary of fake.canaries()) {
        expect(status).not.toContain(canary)
        expect(why).not.toContain(canary)
      }
    },
    HOST_MS,
  )

  it(
    'a person can ask with opencode run, and where all are limited without any model',
    async () => {
      const tool = `${NAMES[fake.id]}_status`
      for (const account of fake.accounts()) account.behave(CALLS_TOOL(tool, {}, 'done'))
      const asked = await runPrompt(home, { prompt: 'look', model: MODELS[fake.id] })
      expect(asked).toMatchObject({ stdout: 'done\n', exitCode: 0 })
      expect(asked.stderr).toMatch(new RegExp(`${tool}.* 2 accounts, \\d ready`))

      for (const account of fake.accounts()) account.behave(LIMITED_UNTIL(Date.now() + HOUR))
      const before = fake.modelRequests().length
      const args = ['debug', 'agent', 'build', '--tool', tool]
      const { stdout, exitCode } = await startOpenCode(home, args, HOST_MS).finished
      const result = parseObject(stdout)?.['result']
      const output = isObject(result) ? textOf(result['output']) : undefined
      expect(exitCode).toBe(0)
      expect(output).toContain(`**2 ${name} accounts**`)
      expect(fake.modelRequests()).toHaveLength(before)
    },
    HOST_MS,
  )

  it(
    'what it costs is nothing more than the subscription',
    async () => {
      const costs = await costsOf(server, fake.id)
      expect(costs.length).toBeGreaterThan(0)
      expect(new Set(costs)).toEqual(
        new Set(['{"input":0,"output":0,"cache":{"read":0,"write":0}}']),
      )
    },
    HOST_MS,
  )
})

it(
  'there are the tools of each provider that is not switched off, also of one without accounts',
  async () => {
    const fakes = [await createFakeAnthropic(), await createFakeOpenAI()]
    const toolsWith = async (settings: Readonly<Record<string, Json>>) => {
      const home = await createHome({ fakes, plugins: [ENTRY], hasAccounts: false, settings })
      const server = await startServer(home)
      const ids = JSON.stringify(await server.call('GET', '/experimental/tool/ids'))
      await server.stop()
      await home.remove()
      return ids.match(/\w+_multiauth_\w+/g)
    }
    const [ofClaude, ofChatGpt] = Object.values(NAMES).map((n) => [`${n}_status`, `${n}_why`])
    expect(await toolsWith({})).toEqual([...(ofClaude ?? []), ...(ofChatGpt ?? [])])
    expect(await toolsWith({ anthropic: { enabled: false } })).toEqual(ofChatGpt)
    for (const fake of fakes) await fake.close()
  },
  HOST_MS,
)

it(
  'a key of the person’s own keeps its prices',
  async () => {
    const auth = { anthropic: { type: 'api', key: 'canary-sk-of-the-person' } }
    const home = await createHome({ plugins: [ENTRY], hasAccounts: false, auth })
    const server = await startServer(home)
    const costs = await costsOf(server, 'anthropic')
    await server.stop()
    await home.remove()
    expect(costs.some((cost) => !cost.startsWith('{"input":0,"output":0'))).toBe(true)
  },
  HOST_MS,
)

/** The prices of a provider's models, as the host knows them. */
async function costsOf(server: HostServer, provider: string): Promise<readonly string[]> {
  const { providers } = await server.call('GET', '/config/providers')
  const found = objectsOf(providers).find(({ id }) => id === provider)
  const models: Json = isObject(found?.['models']) ? found['models'] : {}
  return Object.values(models).flatMap((model) =>
    isObject(model) ? [JSON.stringify(model['cost'])] : [],
  )
}
