import type { Hooks } from '@opencode-ai/plugin'
import { expect, it } from 'vitest'
import { createPrices } from '../../src/host/prices.ts'

type Models = NonNullable<NonNullable<Hooks['provider']>['models']>

const COST = { input: 3, output: 15, cache: { read: 0.3, write: 3.75 } }
const FREE = { input: 0, output: 0, cache: { read: 0, write: 0 } }
const DIRECT = { type: 'api', key: 'k', metadata: { 'opencode-rota': 'direct' } } as const
const OAUTH = { type: 'oauth', refresh: '', access: '', expires: 0 } as const

it('shows requests of a subscription as free, and changes nothing but the price', async () => {
  const models = await ask(true, OAUTH)
  expect(models).toEqual({ sonnet: { ...MODEL, cost: FREE } })
  expect(MODEL.cost).toEqual(COST)
})

it.each([
  ['there is no account', false, OAUTH],
  ['OpenCode has no login, so that a key of the environment is used', true, undefined],
  ['OpenCode uses a key of its own', true, DIRECT],
])('keeps the prices where %s', async (_, isPaid, auth) => {
  expect(await ask(isPaid, auth)).toEqual({ sonnet: MODEL })
})

function ask(isPaid: boolean, auth: Parameters<Models>[1]['auth']) {
  const { models } = createPrices('anthropic', () => isPaid)
  const provider = { id: 'anthropic', name: 'x', source: 'custom' as const, env: [], options: {} }
  return models?.({ ...provider, models: { sonnet: MODEL } }, auth === undefined ? {} : { auth })
}

const NOTHING = { text: true, audio: false, image: false, video: false, pdf: false }
const MODEL: Parameters<Models>[0]['models'][string] = {
  id: 'sonnet',
  providerID: 'anthropic',
  api: { id: 'sonnet', url: '', npm: '@ai-sdk/anthropic' },
  name: 'Sonnet',
  capabilities: {
    temperature: true,
    reasoning: false,
    attachment: false,
    toolcall: true,
    input: NOTHING,
    output: NOTHING,
    interleaved: false,
  },
  cost: COST,
  limit: { context: 200_000, output: 64_000 },
  status: 'active',
  options: {},
  headers: {},
  release_date: '2025-09-29',
}
