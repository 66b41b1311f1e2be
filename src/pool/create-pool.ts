import type { AccountEvent } from '../../machines/account.ts'
import { needsHealing } from '../../machines/facts.ts'
import { poolMachine } from '../../machines/pool.ts'
import type { RefreshOutcome } from '../../machines/refresh.ts'
import { isKey, otherUsableRemains } from '../../machines/view.ts'
import { effectiveEndpoints, effectiveTransforms } from '../config/effective.ts'
import type { Settings } from '../config/schema.ts'
import type { Provider } from '../provider/provider.ts'
import type { ClaimStore } from '../store/claims.ts'
import type { SpendJournal } from '../store/journal.ts'
import { rollForward } from '../store/roll-forward.ts'
import type { AccountStore } from '../store/store.ts'
import type { World } from '../world.ts'
import { createChoice } from './choice.ts'
import { createClaims } from './claims.ts'
import { createClock } from './clock.ts'
import { createCredentials } from './credentials.ts'
import { createDecisions } from './decisions.ts'
import { createHotStates } from './hot.ts'
import { stateNews, tokenNews } from './machine-news.ts'
import { machineInput } from './machine-input.ts'
import { createNews } from './news.ts'
import type { Pool, PoolTold } from './pool.ts'
import { createRenewalWaiters } from './renewal-waiters.ts'
import { provideRenewal } from './renewal.ts'
import { accountStatus } from './status.ts'
import { supervise } from './supervision.ts'
import { createSync } from './sync.ts'
import { createUsagePlans } from './usage-plans.ts'
import { createUsagePoll } from './usage-poll.ts'
import { createUsageReader } from './usage-reader.ts'
import type { Vault } from './vault.ts'
import { createWaiters } from './waiters.ts'

export interface PoolParts {
  readonly provider: Provider
  readonly store: AccountStore
  readonly journal: SpendJournal
  readonly claims: ClaimStore
  readonly world: World
  /** Read at every use, so that a changed configuration acts at once. */
  readonly settings: () => Settings
}

const GONE: RefreshOutcome = { kind: 'failed', failure: 'unavailable', detail: 'it is gone' }

/** Starts a pool. `ready` resolves when the store was read once, whatever it said. */
export function createPool(parts: PoolParts): { pool: Pool; ready: Promise<void> } {
  const { provider, journal, world, settings } = parts
  const store = rollForward(parts.store, journal)
  const vault: Vault = new Map()
  const hot = createHotStates()
  const clock = createClock(world)
  const { publish, subscribe, forgetAll } = createNews(world)
  const waiters = createWaiters(world)
  const decisions = createDecisions(world.now)
  subscribe(decisions.note)
  const renewals = createRenewalWaiters()
  let disposed: Promise<void> | undefined

  const sync = createSync({
    store,
    vault,
    world,
    views: () => machine.views(),
    lastUsedAt: (id) => hot.of(id).lastUsedAt,
    active: () => choice.lastServed(),
    usageOf: hot.of,
    usageStored: (id, stored) => usagePoll.takeStored(id, stored),
    tell: (news) => machine.send(news),
    accountsFile: provider.accountsFile,
  })

  const endpoints = () => effectiveEndpoints(provider, settings())

  const renewal = provideRenewal({ ...parts, store, endpoints, vault, sync })

  const machine = supervise({
    machine: poolMachine.provide({ actors: { refresh: renewal.machine } }),
    clock,
    input: machineInput(world, settings),
    heard: {
      viewChanged(before, after) {
        sync.save(after.id)
        if (before?.state !== after.state) publish(stateNews(before, after, world.now()))
        waiters.wake()
        choice.line.changed()
      },
      tokenSettled(id, outcome) {
        publish(tokenNews(id, labelOf(id), outcome))
        renewals.settle(id, outcome)
      },
      renewalsStopped: () => publish({ type: 'renewals.stopped' }),
      accountCrashed: (id, times) =>
        world.log('error', `The state machine of account ${labelOf(id)} failed (${times}).`),
      poolCrashed(error, times) {
        const why = error instanceof Error ? error.message : 'unknown fault'
        world.log('error', `The pool of ${provider.name} accounts failed (${times}): ${why}`)
        renewals.giveUp('the pool started again')
      },
    },
  })

  const claims = createClaims({
    store: parts.claims,
    hot,
    clock,
    world,
    wanted: () => settings().cross_process_claims && machine.viewList().length > 1,
  })

  const credentials = createCredentials({
    vault,
    sync,
    now: world.now,
    arm: world.arm,
    renew,
    hasOther: (id) => machine.viewList().some((view) => view.id !== id && view.state === 'active'),
  })

  const plans = createUsagePlans(world)
  const reads = { endpoints, credentials, plans, hot, sync, machine }
  const reader = createUsageReader({ ...parts, ...reads })
  const usagePoll = createUsagePoll({ ...parts, reader, plans, vault, hot, clock, sync, machine })

  const choice = createChoice({
    provider,
    settings,
    world,
    hot,
    machine,
    storedActive: sync.storedActive,
  })

  const labelOf = (id: string) => machine.views()[id]?.facts.label ?? id

  /** Asks for a renewal and waits for its end; concurrent callers share it. */
  function renew(id: string, signal: AbortSignal | undefined): Promise<RefreshOutcome> {
    const outcome = renewals.wait(id, signal)
    const isGone = disposed !== undefined || !(id in machine.views())
    const isAsked = !isGone && machine.send({ type: 'token.wanted', id })
    if (!isAsked) renewals.settle(id, GONE)
    return outcome
  }

  function tell(id: string, event: PoolTold): void {
    const mayDisable = otherUsableRemains(machine.views(), id)
    const told: AccountEvent =
      event.type === 'request.unauthorized' || event.type === 'request.refused'
        ? { ...event, mayDisable }
        : event
    machine.send({ type: 'account.told', id, event: told })
    if (event.type === 'request.burst') usagePoll.confirm(id, event.sentAt)
  }

  /** What others hold is known before the first choice: it is read right after the accounts. */
  async function openFiles(): Promise<void> {
    await sync.load()
    claims.keepUp()
    await claims.known()
  }

  async function closeFiles(): Promise<void> {
    await usagePoll.dispose()
    await Promise.all([sync.dispose(), claims.dispose()])
  }

  async function close(): Promise<void> {
    const closing = closeFiles()
    waiters.wake()
    choice.line.close()
    try {
      await closing
    } finally {
      machine.stop()
      renewals.giveUp('the pool was closed')
      clock.stop()
      forgetAll()
    }
  }

  const pool: Pool = {
    provider,
    settings,
    endpoints,
    transforms: () => effectiveTransforms(provider, settings()),
    upToDate: () => sync.loadIfChanged(),
    choose(traits, tried, place) {
      clock.flush()
      claims.keepUp()
      return choice.choose(traits, tried, place)
    },
    enterLine: choice.line.enter,
    begin(id, { probe }) {
      const end = hot.begin(id, probe, world.now())
      claims.used(id)
      usagePoll.noteUse()
      return () => {
        end()
        choice.line.freed(id)
      }
    },
    credentials,
    succeeded(id, sentAt) {
      const view = machine.views()[id]
      if (view === undefined || (view.state === 'active' && !needsHealing(view.facts))) return
      machine.send({ type: 'account.told', id, event: { type: 'request.succeeded', sentAt } })
    },
    limited: (id, limits) =>
      machine.send({ type: 'account.told', id, event: { type: 'request.limited', limits } }),
    tell,
    observe: (id, usage) => hot.observe(id, usage, world.now()),
    readUsage: reader.readNow,
    view: (id) => machine.views()[id],
    isMixed: () => machine.viewList().some(isKey) && !machine.viewList().every(isKey),
    size: () => machine.viewList().length,
    labelOf,
    async changedOrPast(until, signal) {
      if (disposed === undefined) await waiters.wait(until, signal)
      return disposed === undefined
    },
    publish,
    status: () => ({
      provider: provider.id,
      problem: machine.problem(),
      accounts: machine.viewList().map((view) =>
        accountStatus(view, hot.of(view.id), {
          plan: provider.planLabel(view.facts.plan),
          active: view.id === choice.active(),
          now: world.now(),
        }),
      ),
    }),
    decisions: decisions.recent,
    subscribe,
    inspection: { machines: [machine, claims], leases: claims.leases },
    settingsChanged() {
      machine.send({ type: 'settings.changed' })
      claims.keepUp()
      choice.line.changed()
    },
    whenKept: renewal.whenKept,
    dispose() {
      disposed ??= close()
      return disposed
    },
  }
  return { pool, ready: openFiles() }
}
