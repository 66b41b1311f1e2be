import { createActor } from 'xstate'
import type { RefreshOutcome } from '../../../machines/refresh.ts'
import { provideRenewal } from '../../../src/pool/renewal.ts'
import { createSync } from '../../../src/pool/sync.ts'
import type { Vault } from '../../../src/pool/vault.ts'
import { anthropic } from '../../../src/provider/anthropic/adapter.ts'
import type { Provider, RefreshAnswer, RefreshRequest } from '../../../src/provider/provider.ts'
import { secret } from '../../../src/secret.ts'
import { parseDocument } from '../../../src/store/document.ts'
import { createFileJournal } from '../../../src/store/file-journal.ts'
import { createMemoryPlace, createMemoryStore } from '../../../src/store/memory.ts'
import { rollForward } from '../../../src/store/roll-forward.ts'
import type { AccountStore } from '../../../src/store/store.ts'
import { emptyDisk, isRecorded } from './disk.ts'
import { markKilled, reviveAll } from './owners.ts'
import { type Deviation, createSchedule, turn, whoAmI } from './schedule.ts'

export interface Run {
  readonly steps: readonly string[]
  readonly choices: readonly boolean[]
  /** Of the processes that live. */
  readonly outcomes: readonly (RefreshOutcome | undefined)[]
  readonly exchanges: number
  /** A spent token was sent again. */
  readonly reuses: number
  /** Processes that were killed between sending and recording. */
  readonly killedInWindow: number
  /** What the file and the records say in the end. */
  readonly stored: string | undefined
  readonly current: string
}

const ID = 'account'

/** Several processes with the same token in memory, of which each renews it once. */
export async function runProcesses(count: number, deviations: readonly Deviation[]): Promise<Run> {
  emptyDisk()
  reviveAll()
  const server = createServer()
  const place = createMemoryPlace(initialDocument())
  let killedInWindow = 0
  const schedule = createSchedule(deviations, (who) => {
    markKilled(who)
    const sent = server.sentBy(who)
    if (sent !== undefined && !isRecorded(sent)) killedInWindow += 1
  })
  const outcomes = new Map<number, RefreshOutcome>()
  const processes = Array.from({ length: count }, (_, who) => who)
  for (const who of processes) {
    schedule.start(who, () => startRenewal(who))
  }
  await schedule.run()
  return {
    steps: schedule.steps,
    choices: schedule.choices,
    outcomes: processes.filter((who) => !schedule.dead.has(who)).map((who) => outcomes.get(who)),
    exchanges: server.exchanges(),
    reuses: server.reuses(),
    killedInWindow,
    stored: await storedInTheEnd(),
    current: server.current(),
  }

  function startRenewal(who: number): void {
    const journal = createFileJournal('/journal')
    const store = rollForward(inTurns(createMemoryStore(place)), journal)
    const vault: Vault = new Map()
    const world = {
      fetch: () => Promise.reject(new Error('not used')),
      now: () => NOW,
      arm: () => () => {},
      delay: () => turn('pauses'),
      log: () => {},
    }
    const sync = createSync({
      store,
      vault,
      world,
      views: () => ({}),
      lastUsedAt: () => 0,
      active: () => undefined,
      usageOf: () => ({ usage: [], usageAt: 0 }),
      usageStored: () => undefined,
      tell: () => {},
      accountsFile: 'accounts',
    })
    sync.take(place.document)
    const provider: Provider = { ...anthropic, refresh: server.refresh }
    const renewal = provideRenewal({ provider, endpoints, vault, store, sync, journal, world })
    const actor = createActor(renewal.machine, { input: { id: ID } })
    actor.subscribe({
      next: ({ status, context }) => void (status === 'done' && outcomes.set(who, context.outcome)),
    })
    actor.start()
  }

  async function storedInTheEnd(): Promise<string | undefined> {
    const reader = createSchedule([], () => {})
    const reading = rollForward(createMemoryStore(place), createFileJournal('/journal')).read()
    await reader.run()
    const read = await reading
    return read.ok ? read.document.accounts[0]?.refreshToken.reveal() : undefined
  }
}

const endpoints = () => anthropic.endpoints
const NOW = 1_800_000_000_000

function initialDocument() {
  const account = { uuid: ID, refreshToken: 'token-1', accessToken: 'old', expiresAt: NOW - 1 }
  const parsed = parseDocument(JSON.stringify({ version: 1, accounts: [account] }))
  if (!parsed.ok) throw new Error(parsed.detail)
  return parsed.document
}

/** The accounts file: each look and each change is one step. */
function inTurns(store: AccountStore): AccountStore {
  return {
    ...store,
    async read() {
      await turn('reads the accounts')
      return store.read()
    },
    async update(change) {
      await turn('updates the accounts')
      return store.update(change)
    },
  }
}

/** Rotates its token at each use; a spent one ends the family. */
function createServer() {
  const sent = new Map<number, string>()
  let exchanges = 0
  let version = 1
  let isRevoked = false
  let reuses = 0

  async function refresh({ refreshToken }: RefreshRequest): Promise<RefreshAnswer> {
    await turn('sends the token')
    sent.set(whoAmI(), refreshToken.reveal())
    exchanges += 1
    const isCurrent = refreshToken.reveal() === `token-${version}`
    if (!isCurrent) {
      reuses += 1
      isRevoked = true
    }
    if (!isRevoked) version += 1
    const renewed = version
    await turn('gets the answer')
    if (!isCurrent || isRevoked) return { kind: 'dead', code: 'invalid_grant' }
    return {
      kind: 'renewed',
      accessToken: secret(`access-${renewed}`),
      refreshToken: secret(`token-${renewed}`),
      expiresAt: NOW + 3_600_000,
      accountId: undefined,
      email: undefined,
    }
  }

  return {
    refresh,
    sentBy: (who: number) => sent.get(who),
    exchanges: () => exchanges,
    reuses: () => reuses,
    current: () => `token-${version}`,
  }
}
