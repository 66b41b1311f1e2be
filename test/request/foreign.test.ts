import { afterEach, describe, expect, it } from 'vitest'
import { ANSWERS, LIMITED_UNTIL } from '../fake/behaviors.ts'
import { objectsOf, parseObject } from '../fake/json.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { thoughtOf } from '../fake/openai-thoughts.ts'
import { bodyOf, openPool, requestOf } from './open-pool.ts'

const HOUR = 3_600_000
const opened: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

describe('a conversation with thoughts that only one account can read', () => {
  it('goes on with another account, without them', async () => {
    const { fake, pool, send } = await open()
    fake.account('one').behave(LIMITED_UNTIL(Date.now() + HOUR))
    const answered = await send()
    expect([answered.status, answered.text]).toEqual([200, expect.stringContaining('answered')])
    expect(pool.asked()).toEqual(['one', 'two', 'two'])
    const kinds = fake.modelRequests().map(({ bodyText }) => inputOf(bodyText).map(kindOf))
    expect(kinds).toEqual([
      ['user', 'reasoning', 'assistant', 'user'],
      ['user', 'reasoning', 'assistant', 'user'],
      ['user', 'assistant', 'user'],
    ])
    expect(pool.stateOf('two')).toBe('active')
  })

  it('is refused once: the account is not sent them again, and keeps its own', async () => {
    const { fake, pool, send } = await open()
    fake.account('one').behave(LIMITED_UNTIL(Date.now() + HOUR))
    await send()
    const seen = fake.modelRequests().length
    const later = [...HISTORY, thoughtOf('two'), { role: 'user', content: [] }]
    expect((await send(later)).status).toBe(200)
    expect(pool.asked().slice(seen)).toEqual(['two'])
    const [sent] = fake.modelRequests().slice(seen)
    const thoughts = inputOf(sent?.bodyText ?? '').filter((item) => kindOf(item) === 'reasoning')
    expect(thoughts).toEqual([thoughtOf('two')])
  })

  it('keeps them where they can be read', async () => {
    const { fake, pool, send } = await open()
    fake.account('one').behave(ANSWERS)
    expect((await send()).status).toBe(200)
    expect(pool.asked()).toEqual(['one'])
  })

  it('is refused where the configuration switches that off', async () => {
    const { fake, pool, send } = await open({ request_transforms: { omitForeignReasoning: false } })
    fake.account('one').behave(LIMITED_UNTIL(Date.now() + HOUR))
    expect((await send()).status).toBe(400)
    expect(pool.asked()).toEqual(['one', 'two'])
    expect(pool.stateOf('two')).toBe('active')
  })

  it('hands the refusal on where there is nothing to leave out', async () => {
    const { fake, send } = await open()
    const error = { code: 'invalid_encrypted_content', message: 'could not be verified' }
    const body = JSON.stringify({ error })
    fake.account('one').behave(() => ({ kind: 'raw', status: 400, headers: {}, body }))
    expect(await send([{ role: 'user', content: [] }])).toEqual({ status: 400, text: body })
    expect(fake.modelRequests()).toHaveLength(1)
    fake.account('one').behave(ANSWERS)
  })
})

async function open(settings = {}) {
  const fake = await createFakeOpenAI({ accounts: ['one', 'two'] })
  opened.push(fake)
  const pool = await openPool(fake, settings)
  opened.push(pool)
  async function send(input: readonly object[] = HISTORY) {
    const body = JSON.stringify({ ...bodyOf(fake), input })
    const [url, init] = requestOf(fake, 'conversation-1', { body })
    const response = await pool.fetch(url, init)
    return { status: response.status, text: await response.text() }
  }
  return { fake, pool, send }
}

const HISTORY = [
  { role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
  thoughtOf('one'),
  { role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
  { role: 'user', content: [{ type: 'input_text', text: 'go on' }] },
]

function inputOf(bodyText: string) {
  return objectsOf(parseObject(bodyText)?.['input'])
}

function kindOf(item: Readonly<Record<string, unknown>>) {
  return item['type'] ?? item['role']
}
