import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../../fake/anthropic.ts'
import { CALLS_TOOL } from '../../fake/behaviors.ts'
import type { Fake } from '../../fake/fake.ts'
import { createFakeOpenAI } from '../../fake/openai.ts'
import { type Home, createHome } from './home.ts'
import { MODELS } from './models.ts'
import { runPrompt } from './run.ts'
import { startServer } from './serve.ts'

/** On a busy machine; a `run` takes 2–3.5 s. */
const PATIENCE_MS = 60_000

let anthropic: Fake
let openai: Fake
let home: Home

beforeAll(async () => {
  anthropic = await createFakeAnthropic()
  openai = await createFakeOpenAI()
  const pluginFiles = {
    'a.js': bearerPlugin(anthropic),
    'o.js': bearerPlugin(openai),
    'broken.js': "throw new Error('broken on purpose')",
  }
  home = await createHome({ fakes: [anthropic, openai], pluginFiles })
})
afterAll(async () => {
  await Promise.all([anthropic.close(), openai.close()])
  await home.remove()
})

describe('the real OpenCode in a home of its own', () => {
  it(
    'prints the answers of two fakes, and asks them nothing else',
    async () => {
      // One after the other: this plugin writes its login entry without a lock, as the host does.
      const first = await runPrompt(home, { prompt: 'hello', model: MODELS.anthropic })
      const second = await runPrompt(home, { prompt: 'hello', model: MODELS.openai })
      expect(first).toMatchObject({ stdout: 'answered by anthropic-1\n', exitCode: 0 })
      expect(second).toMatchObject({ stdout: 'answered by openai-1\n', exitCode: 0 })
      expect(anthropic.requests).toMatchObject([{ account: 'anthropic-1', status: 200 }])
      expect(openai.requests).toMatchObject([{ account: 'openai-1', status: 200 }])
    },
    PATIENCE_MS,
  )

  it(
    'serves a session with a subagent, and shows what it could not load',
    async () => {
      const server = await startServer(home)
      const task = { description: 'sub', prompt: 'do it', subagent_type: 'general' }
      anthropic.account('anthropic-1').behave(CALLS_TOOL('task', task, 'all done'))
      const session = await server.createSession()
      const { text } = await server.prompt(session, { prompt: 'go', model: MODELS.anthropic })
      expect(text).toBe('all done')
      const subagent = await anthropic.waitForRequest(({ parent }) => parent === session)
      expect(subagent.session).not.toBe(session)
      await server.waitForEvent(({ type }) => type === 'session.idle')
      const errors = server.events.filter(({ type }) => type === 'session.error')
      expect(errors).toHaveLength(1)
      expect(JSON.stringify(errors[0])).toContain('broken.js: broken on purpose')
      await server.stop()
    },
    PATIENCE_MS,
  )
})

/** What the product does, without any of its care: one account, always. */
function bearerPlugin(fake: Fake): string {
  const owner = fake.account(`${fake.id}-1`)
  const headers = {
    authorization: `Bearer ${owner.tokens().accessToken}`,
    ...(fake.id === 'openai' ? { 'chatgpt-account-id': owner.accountId } : {}),
  }
  return `
    export const bearer = async ({ client }) => {
      const entry = { type: 'oauth', refresh: '', access: '', expires: 0 }
      await client.auth.set({ path: { id: '${fake.id}' }, body: entry })
      return { auth: { provider: '${fake.id}', methods: [], loader: async () => ({ apiKey: '', fetch: send }) } }
    }

    function send(input, init) {
      const headers = new Headers({ ...init.headers, ...${JSON.stringify(headers)} })
      headers.delete('x-api-key')
      headers.append('anthropic-beta', 'oauth-2025-04-20')
      const path = '${fake.id}' === 'openai' ? '' : '/messages'
      return fetch('${fake.endpoints.api}' + path, { ...init, headers })
    }
  `
}
