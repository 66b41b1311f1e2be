import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ANSWERS, CALLS_TOOL, LIMITED_UNTIL } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { type Json, isObject, objectsOf } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
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
      expect(status).toContain(`**2 ${name} accounts**`)
      expect(status).toMatch(/- \*\*first\*\*[^-]*: rateLimited, back (at|on) /)
      expect(status).toContain('its 5-hour window is used up')
      expect(status).toContain('**second** (in use)')
      const why = await askTool(`${NAMES[fake.id]}_why`)
      expect(why).toContain('moved from first to second')
      for (const canary of fake.canaries()) {
        expect(status).not.toContain(canary)
        expect(why).not.toContain(canary)
      }
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
