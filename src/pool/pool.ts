import type { AccountEvent } from '../../machines/account.ts'
import { needsHealing } from '../../machines/facts.ts'
import type { LimitRecord } from '../../machines/limits.ts'
import { poolMachine } from '../../machines/pool.ts'
import type { RefreshOutcome } from '../../machines/refresh.ts'
import { type AccountView, otherUsableRemains } from '../../machines/view.ts'
import { effectiveEndpoints, effectiveTransforms } from '../config/effective.ts'
import type { Settings } from '../config/schema.ts'
import type { Endpoints } from '../provider/endpoints.ts'
import type { Provider, TransformFlags, Usage } from '../provider/provider.ts'
import type { ClaimStore } from '../store/claims.ts'
import type { SpendJournal } from '../store/journal.ts'
import { rollForward } from '../store/roll-forward.ts'
import type { AccountStore } from '../store/store.ts'
import type { World } from '../world.ts'
import { createAffinity } from './affinity.ts'
import { createClaims } from './claims.ts'
import { createClock } from './clock.ts'
import { type Credentials, createCredentials } from './credentials.ts'
import type { PoolNews } from './events.ts'
import { createHotStates } from './hot.ts'
import { type Place, createLine } from './line.ts'
import { createNews } from './news.ts'
import { createRenewalWaiters } from './renewal-waiters.ts'
import { provideRenewal } from './renewal.ts'
import { selectAccount } from './select/select.ts'
import type { Selection, SelectionInput } from './select/selection.ts'
import { type PoolStatus, accountStatus, explainState } from './status.ts'
import { createSync } from './sync.ts'
import type { Vault } from './vault.ts'
import { createWaiters } from './waiters.ts'
import { supervise } from './supervision.ts'
import { createUsagePoll } from './usage-poll.ts'

/** What selection needs to know of a request. */
export interface RequestTraits {
  /** The conversation; undefined when the caller names none. */
  readonly conversation: string | undefined
  /** The conversation that started this one: a subagent's parent. */
  readonly parent: string | undefined
  readonly model: string | undefined
}

export interface PoolParts {
  readonly provider: Provider
  readonly store: AccountStore
  readonly journal: SpendJournal
  readonly claims: ClaimStore
  readonly world: World
  /** Read at every use, so that a changed configuration acts at once. */
  readonly settings: () => Settings
}

/** The accounts of one provider. The executor asks it and tells it; nobody else sees the machines. */
export interface Pool {
  readonly provider: Provider
  settings(): Settings
  endpoints(): Endpoints
  transforms(): TransformFlags
  /** Follows what other processes changed. Resolves at once, without a read, when nothing did. */
  upToDate(): Promise<void> | undefined
  /**
   * The account for a request. `tried`: accounts it has already been to. `place`: where it waited;
   * the slot that was kept for it is used up or goes to the next in line.
   */
  choose(traits: RequestTraits, tried: ReadonlySet<string>, place?: Place): Selection
  /** A place in the line for requests that find every account busy. */
  enterLine(): Place
  /**
   * Counts a request in flight, in the same turn as its account was chosen. Returns the way to end
   * it, safe to call twice.
   */
  begin(id: string, selection: { readonly probe: boolean }): () => void
  readonly credentials: Credentials
  succeeded(id: string, sentAt: number): void
  limited(id: string, limits: readonly LimitRecord[]): void
  tell(id: string, event: PoolTold): void
  observe(id: string, usage: readonly Usage[]): void
  view(id: string): AccountView | undefined
  /** How many accounts there are. */
  size(): number
  /** The name people know an account by. */
  labelOf(id: string): string
  /**
   * Resolves when any account changes, or at `until` (epoch ms). False: the pool was closed, so that
   * nothing will change any more.
   */
  changedOrPast(until: number, signal: AbortSignal | undefined): Promise<boolean>
  publish(news: PoolNews): void
  status(): PoolStatus
  subscribe(listener: (news: PoolNews) => void): () => void
  /** `settings()` gives something else than before. */
  settingsChanged(): void
  /** Resolves when no token is being spent: a process that ends before may lose a login. */
  whenKept(): Promise<void>
  /** Saves, stops every timer, watcher and actor. Safe to call twice. */
  dispose(): Promise<void>
}

/** What the executor tells an account; the pool adds whether the breaker may open. */
type PoolTold =
  | Extract<
      AccountEvent,
      { type: 'request.burst' | 'request.withoutToken' | 'user.disabled' | 'user.enabled' }
    >
  | Omit<Extract<AccountEvent, { type: 'request.unauthorized' }>, 'mayDisable'>
  | Omit<Extract<AccountEvent, { type: 'request.refused' }>, 'mayDisable'>

const GONE: RefreshOutcome = { kind: 'failed', failure: 'unavailable', detail: 'it is gone' }

/** Starts a pool. `ready` resolves when the store was read once, whatever it said. */
export function createPool(parts: PoolParts): { pool: Pool; ready: Promise<void> } {
  const { provider, journal, world, settings } = parts
  const store = rollForward(parts.store, journal)
  const vault: Vault = new Map()
  const hot = createHotStates()
  const affinity = createAffinity()
  const clock = createClock(world)
  const { publish, subscribe, forgetAll } = createNews(world)
  const waiters = createWaiters(world)
  const renewals = createRenewalWaiters()
  let lastServed: string | undefined
  let disposed: Promise<void> | undefined

  const sync = createSync({
    store,
    vault,
    world,
    views: () => machine.views(),
    lastUsedAt: (id) => hot.of(id).lastUsedAt,
    active: () => lastServed,
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
    input: {
      now: world.now,
      random: world.random,
      policy: () => ({
        maxAuthFailures: settings().max_consecutive_auth_failures,
        authBackoffMs: settings().token_failure_backoff_ms,
        strikeBackoffMs: settings().rate_limit_min_backoff_ms,
      }),
      renewal: () => ({
        enabled: settings().proactive_refresh,
        leadMs: settings().proactive_refresh_buffer_seconds * 1_000,
        intervalMs: settings().proactive_refresh_interval_seconds * 1_000,
      }),
    },
    heard: {
      viewChanged(before, after) {
        sync.save(after.id)
        if (before?.state !== after.state) publishState(before, after)
        waiters.wake()
        line.changed()
      },
      tokenSettled(id, outcome) {
        publishOutcome(id, outcome)
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

  const usagePoll = createUsagePoll({ ...parts, endpoints, vault, hot, clock, sync, machine })

  function publishState(before: AccountView | undefined, after: AccountView): void {
    const { why, backAt } = explainState(after, world.now())
    publish({
      type: 'account.changed',
      account: after.id,
      label: after.facts.label,
      from: before?.state,
      to: after.state,
      why,
      backAt,
      disabledReason: after.facts.disabledReason,
    })
  }

  function publishOutcome(id: string, outcome: RefreshOutcome): void {
    const about = { account: id, label: labelOf(id) }
    if (outcome.kind === 'renewed') publish({ type: 'token.renewed', ...about })
    else publish({ type: 'token.failed', ...about, why: outcome.detail })
  }

  const labelOf = (id: string) => machine.views()[id]?.facts.label ?? id

  /** What a request finds when it looks for an account. */
  function selectionInput(
    { conversation, parent, model }: RequestTraits,
    tried: ReadonlySet<string>,
    views: readonly AccountView[],
  ): SelectionInput {
    const lives = affinity.of(conversation)
    return {
      views,
      hot: hot.of,
      strategy: settings().account_selection_strategy,
      softQuotaPercent: settings().soft_quota_threshold_percent,
      family: model === undefined ? undefined : provider.family(model),
      home: lives?.home,
      homeServedAt: lives?.homeServedAt ?? 0,
      standIn: lives?.standIn,
      parentHome: affinity.of(parent)?.home,
      active: lastServed ?? sync.storedActive(),
      maxInFlight: settings().max_in_flight_per_account,
      tried,
      now: world.now(),
    }
  }

  const line = createLine({
    views: machine.viewList,
    view: (id) => machine.views()[id],
    hasRoom(id) {
      const most = settings().max_in_flight_per_account
      return most === 0 || hot.of(id).inFlight < most
    },
    select: ({ traits, tried }, views) => selectAccount(selectionInput(traits, tried, views)),
    homeOf: (conversation) =>
      settings().account_selection_strategy === 'round-robin'
        ? undefined
        : affinity.of(conversation)?.home,
    keep: (id) => hot.begin(id, false, world.now()),
    world,
  })

  function choose(traits: RequestTraits, tried: ReadonlySet<string>, place?: Place): Selection {
    clock.flush()
    claims.keepUp()
    const kept = place?.take()
    const selection = selectAccount(selectionInput(traits, tried, machine.viewList()))
    if (kept !== undefined && !(selection.ok && selection.id === kept)) line.freed(kept)
    if (!selection.ok) return selection
    if (selection.reason !== 'home') lastServed = selection.id
    const { conversation } = traits
    if (conversation !== undefined) affinity.remember(conversation, selection, world.now())
    return selection
  }

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
    line.close()
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
    choose,
    enterLine: line.enter,
    begin(id, { probe }) {
      const end = hot.begin(id, probe, world.now())
      claims.used(id)
      usagePoll.noteUse()
      return () => {
        end()
        line.freed(id)
      }
    },
    credentials: createCredentials({
      vault,
      sync,
      now: world.now,
      arm: world.arm,
      renew,
      hasOther: (id) =>
        machine.viewList().some((view) => view.id !== id && view.state === 'active'),
    }),
    succeeded(id, sentAt) {
      const view = machine.views()[id]
      if (view === undefined || (view.state === 'active' && !needsHealing(view.facts))) return
      machine.send({ type: 'account.told', id, event: { type: 'request.succeeded', sentAt } })
    },
    limited: (id, limits) =>
      machine.send({ type: 'account.told', id, event: { type: 'request.limited', limits } }),
    tell,
    observe: (id, usage) => hot.observe(id, usage, world.now()),
    view: (id) => machine.views()[id],
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
          active: view.id === (lastServed ?? sync.storedActive()),
          now: world.now(),
        }),
      ),
    }),
    subscribe,
    settingsChanged() {
      machine.send({ type: 'settings.changed' })
      claims.keepUp()
      line.changed()
    },
    whenKept: renewal.whenKept,
    dispose() {
      disposed ??= close()
      return disposed
    },
  }
  return { pool, ready: openFiles() }
}
