import { afterEach, describe, expect, it } from 'vitest'
import { assemble } from '../../src/assemble.ts'
import { parseSettings } from '../../src/config/settings.ts'
import { providers } from '../../src/provider/providers.ts'
import { LONGEST_SILENCE_MS } from '../../src/request/send.ts'
import { parseDocument } from '../../src/store/document.ts'
import { createMemoryClaims, createMemoryClaimsPlace } from '../../src/store/memory-claims.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { type World, realWorld } from '../../src/world.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { type Behavior, LIMITED_UNTIL, OVERLOADED, SILENCE, SLOW } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { bodyOf, openPool } from './open-pool.ts'
import { createOpened } from './opened.ts'

const URLS = {
  anthropic: 'https://api.anthropic.com/v1/messages',
  openai: 'https://api.openai.com/v1/responses',
}
const { keep, closeAll } = createOpened()

afterEach(closeAll)

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('the patience of a request (%s)', (_name, createFake) => {
  it('ends with an account that takes the request and does not begin to answer', async () => {
    const fake = keep(await createFake({ accounts: ['a', 'b'] }))
    const limits: (() => void)[] = []
    const real = realWorld(() => {})
    const ask = openIn(fake, {
      arm(fire, ms) {
        if (ms === LONGEST_SILENCE_MS) limits.push(fire)
        return real.arm(fire, ms)
      },
    })
    fake.account('a').behave(SILENCE)
    const answer = ask()
    await fake.waitForRequest(({ account }) => account === 'a')
    expect(limits).toHaveLength(1)
    limits[0]?.()
    expect((await answer).status).toBe(200)
    expect(asked(fake)).toEqual(['a', 'b'])
  })

  it('does not begin another attempt when the host will soon give up', async () => {
    const fake = keep(await createFake({ accounts: ['a', 'b'] }))
    let passed = 0
    const real = realWorld(() => {})
    const ask = openIn(fake, { monotonic: () => real.monotonic() + passed })
    fake.account('a').behave((turn) => {
      passed = 240_001
      return OVERLOADED(99)(turn)
    })
    const { status } = await ask()
    // The provider's own answer, and not one that hides it.
    expect(status).toBeGreaterThanOrEqual(503)
    expect(asked(fake)).toEqual(['a'])
  })
})

describe('requests that wait for the same account', () => {
  it('send one ahead, and follow when it was served', async () => {
    const fake = keep(await createFakeAnthropic({ accounts: ['a'] }))
    const back = Date.now() + 1_200
    let [refused, atOnce, served] = [0, 0, 0]
    const behavior: Behavior = async (turn) => {
      if (Date.now() < back) {
        refused += 1
        return LIMITED_UNTIL(back)(turn)
      }
      atOnce += 1
      expect(served > 0 ? 1 : atOnce).toBe(1)
      const answer = await SLOW(300)(turn)
      served += 1
      return answer
    }
    fake.account('a').behave(behavior)
    const pool = await openPool(fake)
    keep(pool)
    await pool.ask('first').catch(() => undefined)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => pool.ask(`c${at}`)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect([refused, served]).toEqual([1, 21])
  })

  it('spend one request when the account is still limited', async () => {
    const fake = keep(await createFakeAnthropic({ accounts: ['a'] }))
    const first = Date.now() + 1_200
    const later = first + 3_600_000
    fake.account('a').behave((turn) => LIMITED_UNTIL(Date.now() < first ? first : later)(turn))
    const pool = await openPool(fake)
    keep(pool)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => pool.ask(`c${at}`)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 429))
    const before = fake.modelRequests().filter(({ at }) => at < first).length
    expect(fake.modelRequests().length - before).toBe(1)
  })
})

const asked = (fake: Fake) => fake.modelRequests().map(({ account }) => account)

/** A pool in a world that differs from the real one. Returns the way to ask it. */
function openIn(fake: Fake, differences: Partial<World>): () => Promise<Response> {
  const world = { ...realWorld(() => {}), ...differences }
  const { settings } = parseSettings([{ name: 'test', fields: { endpoints: fake.endpoints } }])
  const parsed = parseDocument(JSON.stringify(fake.seed()))
  if (!parsed.ok) throw new Error('the seed is no accounts file')
  const { pool, fetch } = assemble({
    provider: providers[fake.id],
    world,
    settings: () => settings,
    store: createMemoryStore(createMemoryPlace(parsed.document)),
    journal: createMemoryJournal(),
    claims: createMemoryClaims(createMemoryClaimsPlace(), world.now),
  })
  keep({ close: () => pool.dispose() })
  const body = JSON.stringify({ ...bodyOf(fake), stream: true })
  const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
  return () => fetch(URLS[fake.id], { method: 'POST', headers, body })
}
