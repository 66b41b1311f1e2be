import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assemble } from '../../src/assemble.ts'
import { parseSettings } from '../../src/config/settings.ts'
import { providers } from '../../src/provider/providers.ts'
import { parseDocument } from '../../src/store/document.ts'
import { createMemoryClaims, createMemoryClaimsPlace } from '../../src/store/memory-claims.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { createMachineTime } from '../pool/machine-time.ts'

const MINUTE = 60_000
const ACCOUNTS = ['a', 'b', 'c'] as const
type Account = (typeof ACCOUNTS)[number]
const MOODS = [
  'fine',
  'used up',
  'opus used up',
  'burst',
  'overloaded',
  'revoked',
  'wrong',
] as const
type Mood = (typeof MOODS)[number]
const MODELS = ['claude-sonnet-4-5', 'claude-opus-4-1'] as const
/** What the headers name; the pool waits a second longer. */
const USED_UP_MS = 60 * MINUTE
const PASSED_MS = 1_000

interface Asked {
  readonly model: (typeof MODELS)[number]
  /** How each account answers while this request lasts. */
  readonly moods: Readonly<Record<Account, Mood>>
  readonly conversation: string
}
type Step = Asked | { readonly passMs: number }

const mood = fc.constantFrom(...MOODS)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 90 * MINUTE }).map((passMs) => ({ passMs })) },
  {
    weight: 3,
    arbitrary: fc.record({
      model: fc.constantFrom(...MODELS),
      moods: fc.record({ a: mood, b: mood, c: mood }),
      conversation: fc.constantFrom('one', 'two', 'three'),
    }),
  },
)

describe('whatever the provider answers', () => {
  it('no benched account is asked, no good answer is lost, and each state is what was learned', async () => {
    const met = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (story) => {
        const run = await start()
        for (const each of story) {
          if ('passMs' in each) run.time.pass(each.passMs)
          else met.add(await run.ask(each))
          expect(run.states()).toEqual(run.expectedStates())
        }
        await run.dispose()
      }),
      { numRuns: 120 },
    )
    expect(met).toEqual(new Set(['200', '400', '403', '429', '529']))
  })
})

/** What a model of one account needs to know to foretell the pool. */
interface Learned {
  disabled: boolean
  limitedUntil: number
  opusUntil: number
  guessedUntil: number
  strikes: number
}

async function start() {
  const time = createMachineTime()
  const learned = new Map(ACCOUNTS.map((id): [string, Learned] => [id, fresh()]))
  let moods: Readonly<Record<string, Mood>> = {}
  let isOpus = false
  let sent: string[] = []
  const of = (id: string): Learned => learned.get(id) ?? fresh()

  const world = {
    now: time.now,
    monotonic: time.monotonic,
    arm: time.arm,
    random: () => 0,
    log: () => undefined,
    async delay(ms: number) {
      time.pass(ms)
    },
    async fetch(url: string, init: RequestInit) {
      if (url.includes('usage')) return new Response('', { status: 500 })
      const id = /access-(\w)/.exec(new Headers(init.headers).get('authorization') ?? '')?.[1] ?? ''
      expect(isOpen(of(id), isOpus, time.now()), `${id} is asked`).toBe(true)
      sent.push(id)
      return answer(moods[id] ?? 'fine', of(id), { isOpus, now: time.now() })
    },
  }
  const { settings } = parseSettings([{ name: 'test', fields: { max_wait_ms: 0 } }])
  const { pool, fetch, ready } = assemble({
    provider: providers.anthropic,
    world,
    settings: () => settings,
    store: createMemoryStore(createMemoryPlace(seed(time.now() + 10_000 * MINUTE))),
    journal: createMemoryJournal(),
    claims: createMemoryClaims(createMemoryClaimsPlace(), time.now),
  })

  await ready
  return {
    time,
    /** Sends one request and checks it against the model. Returns its status. */
    async ask({ model, moods: now, conversation }: Asked): Promise<string> {
      moods = now
      isOpus = model.includes('opus')
      sent = []
      const open = ACCOUNTS.filter((id) => isOpen(of(id), isOpus, time.now()))
      const answered = await fetch('https://api.anthropic.com/v1/messages', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-session-id': conversation },
        body: JSON.stringify({ model, max_tokens: 8, messages: [] }),
      })
      await answered.text()
      const { status } = answered
      const last = moods[sent.at(-1) ?? '']
      expect(sent.length).toBeLessThanOrEqual(9)
      expect(status === 200).toBe(last === 'fine' || (isFine(last) && !isOpus))
      const isHandedOn = last === 'wrong' || last === 'overloaded'
      if (status !== 200 && !isHandedOn) expect(new Set(sent)).toEqual(new Set(open))
      return String(status)
    },
    states: () => Object.fromEntries(pool.status().accounts.map(({ id, state }) => [id, state])),
    expectedStates: () =>
      Object.fromEntries(
        ACCOUNTS.map((id) => {
          const { disabled, limitedUntil, guessedUntil } = of(id)
          const isLimited = Math.max(limitedUntil, guessedUntil) > time.now()
          const others: unknown = expect.stringMatching(/^(active|cooling)$/)
          return [id, disabled ? 'disabled' : isLimited ? 'rateLimited' : others]
        }),
      ),
    dispose: () => pool.dispose(),
  }
}

function isFine(last: Mood | undefined): boolean {
  return last === 'fine' || last === 'opus used up'
}

function fresh(): Learned {
  return { disabled: false, limitedUntil: 0, opusUntil: 0, guessedUntil: 0, strikes: 0 }
}

function isOpen(account: Learned, isOpus: boolean, now: number): boolean {
  const { disabled, limitedUntil, opusUntil, guessedUntil } = account
  return !disabled && Math.max(limitedUntil, guessedUntil, isOpus ? opusUntil : 0) <= now
}

/** The provider's answer, and what it teaches. */
function answer(how: Mood, account: Learned, at: { isOpus: boolean; now: number }): Response {
  const resetsAt = Math.ceil((at.now + USED_UP_MS) / 1_000)
  const until = resetsAt * 1_000 + PASSED_MS
  if (how === 'fine' || (how === 'opus used up' && !at.isOpus)) {
    account.strikes = 0
    account.guessedUntil = 0
    return json(200, { type: 'message', content: [] })
  }
  switch (how) {
    case 'used up':
      account.limitedUntil = until
      return refusal(429, 'rate_limit_error', 'limited', rejected('5h', resetsAt))
    case 'opus used up':
      account.opusUntil = until
      return refusal(429, 'rate_limit_error', 'limited', rejected('7d_opus', resetsAt))
    case 'burst':
      account.guessedUntil = at.now + Math.min(10 * MINUTE, 30_000 * 2 ** account.strikes)
      account.strikes += 1
      return refusal(429, 'rate_limit_error', 'slow down')
    case 'overloaded':
      return refusal(529, 'overloaded_error', 'Overloaded')
    case 'revoked':
      account.disabled = true
      return refusal(403, 'permission_error', 'OAuth token has been revoked.')
    case 'wrong':
      return refusal(400, 'invalid_request_error', 'no')
  }
}

function rejected(window: string, resetsAt: number): Record<string, string> {
  const prefix = `anthropic-ratelimit-unified-${window}`
  return { [`${prefix}-status`]: 'rejected', [`${prefix}-reset`]: String(resetsAt) }
}

function refusal(
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return json(status, { type: 'error', error: { type, message } }, headers)
}

function json(status: number, body: object, headers: Record<string, string> = {}): Response {
  const type = { 'content-type': 'application/json' }
  return new Response(JSON.stringify(body), { status, headers: { ...type, ...headers } })
}

function seed(expiresAt: number) {
  const accounts = ACCOUNTS.map((id) => ({
    uuid: id,
    label: id,
    refreshToken: `refresh-${id}`,
    accessToken: `access-${id}`,
    expiresAt,
  }))
  const parsed = parseDocument(JSON.stringify({ version: 1, accounts }))
  if (!parsed.ok) throw new Error('the seed is no accounts file')
  return parsed.document
}
