import { expect, it } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { provideRenewal } from '../../src/pool/renewal.ts'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { secret } from '../../src/secret.ts'
import { parseDocument } from '../../src/store/document.ts'
import type { SpendJournal } from '../../src/store/journal.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { createLoneSync } from './lone-sync.ts'

const DEAD = { kind: 'dead', code: 'invalid_grant', inDoubt: true } as const

it('says that a refused token is dead', async () => {
  expect(await renew(() => ({}))).toMatchObject({ kind: 'failed', failure: 'dead' })
})

it.each<[string, Interruption]>([
  [
    'the refusal is recorded',
    (login, journal) => ({
      async record(token, outcome) {
        await journal.record(token, outcome)
        await login()
      },
    }),
  ],
  [
    "another process's refusal is read",
    (login) => ({
      async spent(tokens) {
        await login()
        return tokens.map(() => DEAD)
      },
    }),
  ],
  [
    'the ticket is refused, since two died with it',
    (login) => ({
      async claim() {
        await login()
        return { kind: 'lost' }
      },
    }),
  ],
])('does not blame a new login that arrives while %s', async (_, interruption) => {
  expect(await renew(interruption)).toMatchObject({ kind: 'renewed', version: 1 })
})

/** What happens in the middle of a step of the journal. */
type Interruption = (login: () => Promise<void>, journal: SpendJournal) => Partial<SpendJournal>

/** One renewal of a token that the provider refuses for good. */
async function renew(interruption: Interruption) {
  const store = createMemoryStore(createMemoryPlace(documentWith('old')))
  const { sync, vault, world } = createLoneSync(store, () => 0)
  await sync.load()
  const login = async () => {
    await store.update((document) => ({
      ...document,
      accounts: document.accounts.map((account) => ({
        ...account,
        refreshToken: secret('new'),
        tokenVersion: account.tokenVersion + 1,
      })),
    }))
    await sync.load()
  }
  const memory = createMemoryJournal()
  const { machine } = provideRenewal({
    provider: { ...anthropic, refresh: async () => ({ kind: 'dead', code: 'invalid_grant' }) },
    endpoints: () => anthropic.endpoints,
    vault,
    store,
    sync,
    journal: { ...memory, ...interruption(login, memory) },
    world,
  })
  const actor = createActor(machine, { input: { id: 'a' } }).start()
  await toPromise(actor)
  return actor.getSnapshot().context.outcome
}

function documentWith(refreshToken: string) {
  const accounts = [{ uuid: 'a', refreshToken, accessToken: 'access' }]
  const parsed = parseDocument(JSON.stringify({ version: 1, accounts }))
  if (!parsed.ok) throw new Error(parsed.detail)
  return parsed.document
}
