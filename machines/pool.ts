import { assign, enqueueActions, setup } from 'xstate'
import {
  type AccountEvent,
  type AccountReport,
  type AccountState,
  accountMachine,
} from './account.ts'
import { type AccountFacts, type AccountPolicy, disabled } from './facts.ts'
import { type RefreshOutcome, refreshMachine } from './refresh.ts'
import { until } from './time.ts'
import { type AccountView, otherUsableRemains } from './view.ts'

export type PoolEvent =
  /** The store adapter: the accounts as they now are, already merged with what we know. */
  | { type: 'store.changed'; accounts: readonly AccountFacts[] }
  /** The store adapter: the accounts cannot be read; `problem` says why and what to do. */
  | { type: 'store.failed'; problem: string }
  /** The executor or the person, for one account. */
  | { type: 'account.told'; id: string; event: AccountEvent }
  /** The executor: it holds a token that is expired or was refused. */
  | { type: 'token.wanted'; id: string }
  /** A timer of our own: a token comes close to its end. */
  | { type: 'refresh.due'; id: string }
  /** A refresh run. */
  | { type: 'refresh.settled'; id: string; outcome: RefreshOutcome }
  /** An account. */
  | AccountReport

/** What the outside may hear. */
export type PoolEmitted =
  | { type: 'view.changed'; before: AccountView | undefined; after: AccountView }
  | { type: 'token.settled'; id: string; outcome: RefreshOutcome }
  | { type: 'account.crashed'; id: string; times: number }

/** When tokens are renewed in the background. */
interface RenewalPlan {
  readonly enabled: boolean
  /** How long before the expiry, ms. */
  readonly leadMs: number
  /** The shortest time between two attempts for one account, ms. */
  readonly intervalMs: number
}

export interface PoolInput {
  readonly policy: () => AccountPolicy
  readonly renewal: () => RenewalPlan
  readonly now: () => number
  readonly random: () => number
}

interface StateShown {
  readonly state: AccountState
  readonly facts: AccountFacts
}

interface PoolContext extends PoolInput {
  readonly views: Readonly<Record<string, AccountView>>
  /** Why the store cannot be read; empty while it can. */
  readonly problem: string
  /** Accounts whose token is being renewed now, at most `PARALLEL_RENEWALS`. */
  readonly renewing: readonly string[]
  readonly queued: readonly string[]
  readonly crashes: Readonly<Record<string, number>>
}

const PARALLEL_RENEWALS = 3
const CRASHES_UNTIL_DISABLED = 3
/** Processes must not renew at the same instant: each spreads its lead time by ±10 %. */
const LEAD_SPREAD = 0.1

const CRASHED = 'xstate.error.actor.account:'
const accountActor = (id: string) => `account:${id}` as const
const refreshActor = (id: string) => `refresh:${id}` as const
const dueTimer = (id: string) => `due:${id}`

/** The supervisor: it owns the accounts, their renewals and the projection everyone reads. */
export const poolMachine = setup({
  types: {
    context: {} as PoolContext,
    events: {} as PoolEvent,
    emitted: {} as PoolEmitted,
    input: {} as PoolInput,
    children: {} as {
      [key: `account:${string}`]: 'account'
      [key: `refresh:${string}`]: 'refresh'
    },
  },
  actors: { account: accountMachine, refresh: refreshMachine },
  guards: {
    isKnown: ({ context }, params: { id: string }) => params.id in context.views,
    isEnabled: ({ context }, params: { id: string }) =>
      params.id in context.views && context.views[params.id]?.state !== 'disabled',
  },
  actions: {
    reconcile: enqueueActions(
      ({ context, enqueue, self }, params: { accounts: readonly AccountFacts[] }) => {
        const present = new Set(params.accounts.map((facts) => facts.id))
        for (const facts of params.accounts) {
          const view = context.views[facts.id]
          if (view === undefined) {
            enqueue.spawnChild('account', {
              id: accountActor(facts.id),
              input: { facts, policy: context.policy, now: context.now, supervisor: self },
            })
          } else if (view.facts !== facts) {
            enqueue.sendTo(accountActor(facts.id), { type: 'store.merged', facts })
          }
        }
        for (const id of Object.keys(context.views)) {
          if (present.has(id)) continue
          enqueue.stopChild(accountActor(id))
          enqueue.stopChild(refreshActor(id))
          enqueue.cancel(dueTimer(id))
          enqueue.emit({ type: 'token.settled', id, outcome: REMOVED })
        }
        enqueue.assign({
          problem: '',
          views: keepOnly(context.views, present),
          renewing: context.renewing.filter((id) => present.has(id)),
          queued: context.queued.filter((id) => present.has(id)),
        })
      },
    ),
    showState: enqueueActions(
      ({ context, enqueue }, { id, state, facts }: { id: string } & StateShown) => {
        const before = context.views[id]
        const after = { id, state, facts, renewing: before?.renewing ?? false }
        enqueue.assign({ views: { ...context.views, [id]: after } })
        enqueue.emit({ type: 'view.changed', before, after })
      },
    ),
    showRenewing: assign({
      views: ({ context }, params: { id: string; renewing: boolean }) => {
        const view = context.views[params.id]
        if (view === undefined) return context.views
        return { ...context.views, [params.id]: { ...view, renewing: params.renewing } }
      },
    }),
    planRenewal: enqueueActions(({ context, enqueue }, params: StateShown) => {
      const { id, tokenExpiresAt } = params.facts
      const before = context.views[id]
      const isBack = before?.state === 'disabled' && params.state !== 'disabled'
      if (before?.facts.tokenExpiresAt === tokenExpiresAt && !isBack) return
      enqueue.cancel(dueTimer(id))
      const plan = context.renewal()
      if (!plan.enabled || tokenExpiresAt === 0) return
      const lead = plan.leadMs * (1 + LEAD_SPREAD * (2 * context.random() - 1))
      const delay = until(tokenExpiresAt - lead, context.now)
      enqueue.raise({ type: 'refresh.due', id }, { id: dueTimer(id), delay })
    }),
    planRetry: enqueueActions(
      ({ context, enqueue }, { id, outcome }: { id: string; outcome: RefreshOutcome }) => {
        const plan = context.renewal()
        if (!plan.enabled || outcome.kind === 'renewed' || outcome.failure === 'dead') return
        enqueue.cancel(dueTimer(id))
        enqueue.raise({ type: 'refresh.due', id }, { id: dueTimer(id), delay: plan.intervalMs })
      },
    ),
    renew: enqueueActions(({ context, enqueue, self }, { id }: { id: string }) => {
      if (context.renewing.includes(id) || context.queued.includes(id)) return
      if (context.renewing.length >= PARALLEL_RENEWALS) {
        enqueue.assign({ queued: [...context.queued, id] })
        return
      }
      enqueue.assign({ renewing: [...context.renewing, id] })
      enqueue.sendTo(accountActor(id), { type: 'token.refreshing' })
      enqueue.spawnChild('refresh', { id: refreshActor(id), input: { id, supervisor: self } })
    }),
    settle: enqueueActions(
      ({ context, enqueue }, { id, outcome }: { id: string; outcome: RefreshOutcome }) => {
        enqueue.stopChild(refreshActor(id))
        enqueue.assign({ renewing: context.renewing.filter((other) => other !== id) })
        enqueue.sendTo(accountActor(id), tokenEvent(outcome, otherUsableRemains(context.views, id)))
        enqueue.emit({ type: 'token.settled', id, outcome })
      },
    ),
    renewNextInQueue: enqueueActions(({ context, enqueue }) => {
      const [next, ...queued] = context.queued
      if (next === undefined) return
      enqueue.assign({ queued })
      enqueue.raise({ type: 'token.wanted', id: next })
    }),
    /** Supervision: an account that throws starts again from its last view, three times. */
    restart: enqueueActions(({ context, enqueue, self }, { id }: { id: string }) => {
      const view = context.views[id]
      if (view === undefined) return
      const times = (context.crashes[id] ?? 0) + 1
      const facts =
        times < CRASHES_UNTIL_DISABLED
          ? view.facts
          : disabled(view.facts, 'crashed', `its state machine failed ${times} times`)
      enqueue.assign({ crashes: { ...context.crashes, [id]: times } })
      enqueue.stopChild(accountActor(id))
      enqueue.spawnChild('account', {
        id: accountActor(id),
        input: { facts, policy: context.policy, now: context.now, supervisor: self },
      })
      enqueue.emit({ type: 'account.crashed', id, times })
    }),
    tell: enqueueActions(({ enqueue }, params: { id: string; event: AccountEvent }) => {
      enqueue.sendTo(accountActor(params.id), params.event)
    }),
    takeProblem: assign({ problem: (_, params: { problem: string }) => params.problem }),
  },
}).createMachine({
  id: 'pool',
  context: ({ input }) => ({
    ...input,
    views: {},
    problem: '',
    renewing: [],
    queued: [],
    crashes: {},
  }),
  initial: 'loading',
  on: {
    'store.changed': {
      target: '.running',
      actions: { type: 'reconcile', params: ({ event }) => event },
    },
    'store.failed': {
      target: '.degraded',
      actions: { type: 'takeProblem', params: ({ event }) => event },
    },
    'account.entered': {
      actions: [
        { type: 'planRenewal', params: ({ event }) => event },
        { type: 'showState', params: ({ event }) => event },
      ],
    },
    'account.tokenEntered': { actions: { type: 'showRenewing', params: ({ event }) => event } },
    'account.needsToken': {
      guard: { type: 'isKnown', params: ({ event }) => event },
      actions: { type: 'renew', params: ({ event }) => event },
    },
    'token.wanted': {
      guard: { type: 'isKnown', params: ({ event }) => event },
      actions: { type: 'renew', params: ({ event }) => event },
    },
    'refresh.due': {
      guard: { type: 'isEnabled', params: ({ event }) => event },
      actions: { type: 'renew', params: ({ event }) => event },
    },
    'refresh.settled': {
      guard: { type: 'isKnown', params: ({ event }) => event },
      actions: [
        { type: 'settle', params: ({ event }) => event },
        { type: 'planRetry', params: ({ event }) => event },
        'renewNextInQueue',
      ],
    },
    'account.told': {
      guard: { type: 'isKnown', params: ({ event }) => event },
      actions: { type: 'tell', params: ({ event }) => event },
    },
    'xstate.error.actor.*': {
      actions: {
        type: 'restart',
        params: ({ event }: { event: { type: string } }) => ({ id: crashedAccount(event.type) }),
      },
    },
  },
  states: {
    /** Nothing was read yet. */
    loading: {},
    running: {},
    /** The store cannot be read: go on with the last facts. */
    degraded: {},
  },
})

function tokenEvent(outcome: RefreshOutcome, mayDisable: boolean): AccountEvent {
  return outcome.kind === 'renewed'
    ? { type: 'token.refreshed', expiresAt: outcome.expiresAt, version: outcome.version }
    : {
        type: 'token.refreshFailed',
        failure: outcome.failure,
        detail: outcome.detail,
        mayDisable,
      }
}

/** For whoever still waits for a token of an account that was taken out of the store. */
const REMOVED: RefreshOutcome = {
  kind: 'failed',
  failure: 'unavailable',
  detail: 'the account was removed',
}

/** The id of the account whose actor failed; of a refresh run, an id that no account has. */
function crashedAccount(eventType: string): string {
  return eventType.startsWith(CRASHED) ? eventType.slice(CRASHED.length) : ''
}

function keepOnly<Value>(
  record: Readonly<Record<string, Value>>,
  ids: ReadonlySet<string>,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([id]) => ids.has(id)))
}
