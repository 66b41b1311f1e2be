import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { ANSWERS, CUT_AFTER, FAILS_IN_STREAM, SEQUENCE } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { type HostServer, startServer } from './host/serve.ts'

/** The host starts, and asks again after two seconds. */
const HOST_MS = 60_000

let fakes: Readonly<Record<'anthropic' | 'openai', Fake>>
let home: Home
let server: HostServer

beforeAll(async () => {
  const accounts = ['first', 'second']
  fakes = {
    anthropic: await createFakeAnthropic({ accounts }),
    openai: await createFakeOpenAI({ accounts }),
  }
  home = await createHome({ fakes: Object.values(fakes), plugins: [ENTRY] })
  server = await startServer(home)
}, HOST_MS)

afterAll(async () => {
  await server.stop()
  await Promise.all(Object.values(fakes).map((fake) => fake.close()))
  await home.remove()
})

describe.each([
  ['Anthropic', 'anthropic'],
  ['OpenAI', 'openai'],
] as const)('a streamed answer in OpenCode (%s)', { timeout: HOST_MS }, (name, provider) => {
  const asked = () => fakes[provider].modelRequests().map(({ account }) => account)
  const ask = async () => {
    const session = await server.createSession()
    return server.prompt(session, { prompt: 'hello', model: MODELS[provider] })
  }

  it('that is overloaded before content ends in the other account’s answer', async () => {
    fakes[provider].account('first').behave(FAILS_IN_STREAM('overloaded'))
    const { text, error } = await ask()
    expect([text, error]).toEqual(['answered by second', undefined])
    expect(asked()).toEqual(['first', 'first', 'second'])
  })

  it('that breaks off after content is never shown as complete, and asked for again', async () => {
    const before = asked().length
    for (const account of fakes[provider].accounts()) {
      account.behave(SEQUENCE(CUT_AFTER('half an answer'), ANSWERS))
    }
    const { text, error } = await ask()
    expect(text).toMatch(/^answered by \w+$/)
    expect(error).toBe(undefined)
    expect(asked()).toHaveLength(before + 2)
    const sentence = `connection lost: the answer of ${name} broke off before its end.`
    const shown = server.events.filter((event) => JSON.stringify(event).includes(sentence))
    expect(shown.map(({ type }) => type)).toContain('session.status')
  })
})
