// Over 300 lines: one machine stays in one file, so that the editors of Stately can open it.
import { assign, emit, enqueueActions, setup } from 'xstate'
import {
  type AccountEvent,
  type AccountReport,
  type AccountState,
  accountMachine,
} from './account.ts'
import { type AccountFacts, type AccountPolicy, disabled } from './facts.ts'
import { type RefreshOutcome, refreshMachine } from './refresh.ts'
import {
  type Refusals,
  type RenewalPlan,
  areTooMany,
  isForGood,
  isRenewed,
  renewalDelay,
  tokenEvent,
  withRefusal,
} from './renewals.ts'
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
  /** The composition root: the configuration is another one. */
  | { type: 'settings.changed' }
  /** A timer of our own: a token comes close to its end. */
  | { type: 'refresh.due'; id: string }
  /** Raised here: several logins were refused for good within a minute. */
  | { type: 'logins.refused' }
  /** Raised here: a token was renewed after all, or came from elsewhere. */
  | { type: 'logins.renewed' }
  /** A refresh run. */
  | { type: 'refresh.settled'; id: string; outcome: RefreshOutcome }
  /** An account. */
  | AccountReport

/** What the outside may hear. */
export type PoolEmitted =
  | { type: 'view.changed'; before: AccountView | undefined; after: AccountView }
  | { type: 'token.settled'; id: string; outcome: RefreshOutcome }
  | { type: 'account.crashed'; id: string; times: number }
  /** Nothing is renewed in the background any more: something is wrong beyond one account. */
  | { type: 'renewals.stopped' }

export interface PoolInput {
  readonly policy: () => AccountPolicy
  readonly renewal: () => RenewalPlan
  readonly now: () => number
  readonly random: () => number
}

interface RenewalRequest {
  readonly id: string
  readonly from: 'request' | 'background'
}

interface StateShown {
  readonly state: AccountState
  readonly facts: AccountFacts
}

interface PoolContext extends PoolInput {
  readonly views: Readonly<Record<string, AccountView>>
  /** How many accounts the store holds; each has a view once its machine has started. */
  readonly known: number
  /** Why the store cannot be read; empty while it can. */
  readonly problem: string
  /** Accounts whose token is being renewed now, at most `PARALLEL_RENEWALS`. */
  readonly renewing: readonly string[]
  /** Accounts whose token waits for its turn: first those that requests wait for. */
  readonly wanted: readonly string[]
  readonly queued: readonly string[]
  /** The version of the token that each of those that wait was asked to replace. */
  readonly asked: Readonly<Record<string, number>>
  readonly refusals: Refusals
  readonly crashes: Readonly<Record<string, number>>
}

const PARALLEL_RENEWALS = 3
const CRASHES_UNTIL_DISABLED = 3

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
        if (params.accounts.some((facts) => isRenewed(context.views[facts.id], facts))) {
          enqueue.raise({ type: 'logins.renewed' })
        }
        enqueue.assign({
          problem: '',
          known: params.accounts.length,
          views: keepOnly(context.views, present),
          renewing: context.renewing.filter((id) => present.has(id)),
          wanted: context.wanted.filter((id) => present.has(id)),
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
      const delay = renewalDelay(context, tokenExpiresAt)
      if (delay === undefined) return
      enqueue.raise({ type: 'refresh.due', id }, { id: dueTimer(id), delay })
    }),
    planAllRenewals: enqueueActions(({ context, enqueue }) => {
      for (const { id, facts } of Object.values(context.views)) {
        enqueue.cancel(dueTimer(id))
        const delay = renewalDelay(context, facts.tokenExpiresAt)
        if (delay === undefined) continue
        enqueue.raise({ type: 'refresh.due', id }, { id: dueTimer(id), delay })
      }
    }),
    planRetry: enqueueActions(
      ({ context, enqueue }, { id, outcome }: { id: string; outcome: RefreshOutcome }) => {
        const plan = context.renewal()
        if (!plan.enabled || outcome.kind === 'renewed' || isForGood(outcome)) return
        enqueue.cancel(dueTimer(id))
        enqueue.raise({ type: 'refresh.due', id }, { id: dueTimer(id), delay: plan.intervalMs })
      },
    ),
    renew: enqueueActions(({ context, enqueue, self }, { id, from }: RenewalRequest) => {
      const { renewing, wanted, queued, asked } = context
      if (renewing.includes(id)) return
      enqueue.assign({ asked: { ...asked, [id]: context.views[id]?.facts.tokenVersion ?? 0 } })
      if (wanted.includes(id)) return
      if (renewing.length >= PARALLEL_RENEWALS) {
        if (from === 'request') {
          enqueue.assign({ wanted: [...wanted, id], queued: queued.filter((each) => each !== id) })
        } else if (!queued.includes(id)) {
          enqueue.assign({ queued: [...queued, id] })
        }
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
    noteEnd: enqueueActions(
      ({ context, enqueue }, { id, outcome }: { id: string; outcome: RefreshOutcome }) => {
        if (outcome.kind === 'renewed') enqueue.raise({ type: 'logins.renewed' })
        if (outcome.kind === 'renewed' || outcome.failure !== 'dead') return
        const refusals = withRefusal(context.refusals, id, context.now())
        enqueue.assign({ refusals })
        if (areTooMany(refusals)) enqueue.raise({ type: 'logins.refused' })
      },
    ),
    sayStopped: emit({ type: 'renewals.stopped' }),
    /** The breaker keeps somebody: were all disabled, those that only failed often are tried again. */
    halfOpenBreaker: enqueueActions(({ context, enqueue }) => {
      const views = Object.values(context.views)
      if (views.length < context.known) return
      if (views.some(({ state }) => state !== 'disabled')) return
      for (const { id, facts } of views) {
        if (facts.disabledReason !== 'auth') continue
        enqueue.sendTo(accountActor(id), { type: 'breaker.halfOpened' })
      }
    }),
    renewNext: enqueueActions(({ context, enqueue }) => {
      const { renewing, wanted, queued } = context
      const waiting = [...wanted, ...queued]
      // Another process was faster: to renew that token, too, would spend it for nothing.
      const renewed = waiting.filter((id) => newerToken(context, id) !== undefined)
      const free = Math.max(0, PARALLEL_RENEWALS - renewing.length)
      const next = waiting.filter((id) => !renewed.includes(id)).slice(0, free)
      const isLeft = (id: string) => !next.includes(id) && !renewed.includes(id)
      enqueue.assign({ wanted: wanted.filter(isLeft), queued: queued.filter(isLeft) })
      for (const id of renewed) {
        const outcome = newerToken(context, id)
        if (outcome !== undefined) enqueue.emit({ type: 'token.settled', id, outcome })
      }
      for (const id of next) enqueue.raise({ type: 'token.wanted', id })
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
    known: 0,
    problem: '',
    renewing: [],
    wanted: [],
    queued: [],
    asked: {},
    refusals: {},
    crashes: {},
  }),
  type: 'parallel',
  states: {
    store: {
      initial: 'loading',
      on: {
        'store.changed': {
          target: '.readable',
          actions: [
            { type: 'reconcile', params: ({ event }) => event },
            'halfOpenBreaker',
            'renewNext',
          ],
        },
        'store.failed': {
          target: '.unreadable',
          actions: { type: 'takeProblem', params: ({ event }) => event },
        },
      },
      states: {
        /** Nothing was read yet. */
        loading: {},
        readable: {},
        /** Go on with the last facts. */
        unreadable: {},
      },
    },
    accounts: {
      on: {
        'account.entered': {
          actions: [
            { type: 'planRenewal', params: ({ event }) => event },
            { type: 'showState', params: ({ event }) => event },
            'halfOpenBreaker',
          ],
        },
        'account.tokenEntered': {
          actions: { type: 'showRenewing', params: ({ event }) => event },
        },
        'account.told': {
          guard: { type: 'isKnown', params: ({ event }) => event },
          actions: { type: 'tell', params: ({ event }) => event },
        },
        'xstate.error.actor.*': {
          actions: {
            type: 'restart',
            params: ({ event }: { event: { type: string } }) => ({
              id: crashedAccount(event.type),
            }),
          },
        },
      },
    },
    renewals: {
      initial: 'planned',
      on: {
        'account.needsToken': {
          guard: { type: 'isKnown', params: ({ event }) => event },
          actions: {
            type: 'renew',
            params: ({ event }) => ({ id: event.id, from: 'background' }),
          },
        },
        'token.wanted': {
          guard: { type: 'isKnown', params: ({ event }) => event },
          actions: { type: 'renew', params: ({ event }) => ({ id: event.id, from: 'request' }) },
        },
        'refresh.settled': {
          guard: { type: 'isKnown', params: ({ event }) => event },
          actions: [
            { type: 'settle', params: ({ event }) => event },
            { type: 'planRetry', params: ({ event }) => event },
            { type: 'noteEnd', params: ({ event }) => event },
            'renewNext',
          ],
        },
        'settings.changed': { actions: 'planAllRenewals' },
      },
      states: {
        planned: {
          on: {
            'refresh.due': {
              guard: { type: 'isEnabled', params: ({ event }) => event },
              actions: {
                type: 'renew',
                params: ({ event }) => ({ id: event.id, from: 'background' }),
              },
            },
            'logins.refused': 'stopped',
          },
        },
        /** Requests still renew what they need; nothing is renewed in the background. */
        stopped: {
          entry: 'sayStopped',
          on: {
            'logins.renewed': { target: 'planned', actions: 'planAllRenewals' },
          },
        },
      },
    },
  },
})

/** The token that has replaced, while its renewal waited for its turn, the one it was asked for. */
function newerToken(
  { views, asked, now }: PoolContext,
  id: string,
): (RefreshOutcome & { kind: 'renewed' }) | undefined {
  const facts = views[id]?.facts
  if (facts === undefined || facts.tokenVersion <= (asked[id] ?? Infinity)) return undefined
  const { tokenExpiresAt, tokenVersion } = facts
  const works = tokenExpiresAt === 0 || tokenExpiresAt > now()
  return works ? { kind: 'renewed', expiresAt: tokenExpiresAt, version: tokenVersion } : undefined
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

/** In the order of the ids, which the person can change. */
function keepOnly<Value>(
  record: Readonly<Record<string, Value>>,
  ids: ReadonlySet<string>,
): Record<string, Value> {
  const kept = [...ids].flatMap((id) => {
    const value = record[id]
    return value === undefined ? [] : [[id, value] as const]
  })
  return Object.fromEntries(kept)
}
