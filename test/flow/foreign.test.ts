import { expect, it } from 'vitest'
import { LIMITED_UNTIL, THINKS } from '../fake/behaviors.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { ENTRY } from './built.ts'
import { createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { startServer } from './host/serve.ts'

const HOST_MS = 60_000
const HOUR = 3_600_000

it(
  'a conversation moves from a login to a key, whose organization cannot read its thoughts',
  async () => {
    const fake = await createFakeOpenAI({ accounts: ['olga', { name: 'kurt', isKey: true }] })
    const home = await createHome({ fakes: [fake], plugins: [ENTRY], hasBaseUrls: true })
    for (const account of fake.accounts()) account.behave(THINKS)
    const server = await startServer(home)
    const session = await server.createSession()
    const ask = async () => server.prompt(session, { prompt: 'hello', model: MODELS.openai })
    expect((await ask()).text).toBe('answered by olga')
    fake.account('olga').behave(LIMITED_UNTIL(Date.now() + HOUR))
    expect(await ask()).toMatchObject({ text: 'answered by kurt', error: undefined })
    expect(await ask()).toMatchObject({ text: 'answered by kurt', error: undefined })
    const asked = fake.modelRequests().map(({ account, status }) => [account, status])
    expect(asked).toEqual([
      ['olga', 200],
      ['olga', 429],
      ['kurt', 400],
      ['kurt', 200],
      ['kurt', 200],
    ])
    await server.stop()
    await fake.close()
    await home.remove()
  },
  HOST_MS,
)
