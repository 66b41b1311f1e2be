// Over 300 lines: one machine stays in one file, so that the editors of Stately can open it.
import { type ActorRef, type Snapshot, assign, enqueueActions, setup } from 'xstate'
import {
  type AccountFacts,
  type AccountPolicy,
  type DisabledReason,
  disabled,
  enabled,
  failedAuth,
  healed,
  postponedAuth,
  renewed,
  returned,
  struck,
} from './facts.ts'
import {
  type LimitRecord,
  type UsageRead,
  accountLimitedUntil,
  withLimits,
  withUsageRead,
  withoutEnded,
} from './limits.ts'
import { until } from './time.ts'

/** Where an account stands, as selection and people see it. */
export type AccountState = 'active' | 'rateLimited' | 'cooling' | 'authFailing' | 'disabled'

/** Facts and requests an account reacts to. None of them ever holds a secret. */
export type AccountEvent =
  /** The executor: an answer came through; `sentAt` is when its request left. */
  | { type: 'request.succeeded'; sentAt: number }
  /** The executor: the provider named windows that are used up. */
  | { type: 'request.limited'; limits: readonly LimitRecord[] }
  /** The executor: refused without a usable time. */
  | { type: 'request.burst'; sentAt: number; retryAfterMs: number | undefined }
  /** The executor: a fresh token was refused. `mayDisable`: another usable account remains. */
  | { type: 'request.unauthorized'; mayDisable: boolean }
  /** The executor: it has no token that works, and no newer one can be had just now. */
  | { type: 'request.withoutToken' }
  /** The executor: the provider refuses the account itself. */
  | { type: 'request.refused'; reason: DisabledReason; detail: string; mayDisable: boolean }
  /** The pool: it asked the provider how much is used. */
  | { type: 'usage.read'; read: UsageRead }
  /** The pool: a refresh of this account's token began. */
  | { type: 'token.refreshing' }
  /** The pool: the vault holds a newer token. */
  | { type: 'token.refreshed'; expiresAt: number; version: number }
  /** The pool: the refresh ended without a token. */
  | { type: 'token.refreshFailed'; failure: TokenFailure; detail: string; mayDisable: boolean }
  /** The pool: all others are disabled too, so that this one is tried again. */
  | { type: 'breaker.halfOpened' }
  /** The person, through the menu or a tool. */
  | { type: 'user.disabled' }
  | { type: 'user.enabled' }
  /** The pool: another process changed the account; `facts` are already merged with ours. */
  | { type: 'store.merged'; facts: AccountFacts }

/**
 * `dead`: refused for good. `lost`: a renewal was cut off, and the new token with it. `refused`:
 * counts. `unavailable`: not the account's fault.
 */
export type TokenFailure = 'dead' | 'lost' | 'refused' | 'unavailable'

/** What an account tells its supervisor. */
export type AccountReport =
  | { type: 'account.entered'; id: string; state: AccountState; facts: AccountFacts }
  | { type: 'account.tokenEntered'; id: string; renewing: boolean }
  | { type: 'account.needsToken'; id: string }

type AccountSupervisor = ActorRef<Snapshot<unknown>, AccountReport>

export interface AccountInput {
  readonly facts: AccountFacts
  readonly policy: () => AccountPolicy
  /** Epoch ms. */
  readonly now: () => number
  /** Absent where an account is looked at alone: in tests and in the editor. */
  readonly supervisor?: AccountSupervisor
}

interface AccountContext extends Omit<AccountInput, 'supervisor'> {
  readonly supervisor: AccountSupervisor | undefined
}

/** One account: whether it may serve (`availability`), and whether its token is being renewed. */
export const accountMachine = setup({
  types: {
    context: {} as AccountContext,
    events: {} as AccountEvent,
    input: {} as AccountInput,
  },
  delays: {
    untilLimitReset: ({ context }) => until(accountLimitedUntil(context.facts.limits), context.now),
    untilCool: ({ context }) => until(context.facts.coolingUntil, context.now),
    untilAuthRetry: ({ context }) => until(context.facts.authRetryAt, context.now),
  },
  guards: {
    isDisabled: ({ context }) => context.facts.disabledReason !== null,
    isByBreaker: ({ context }) => context.facts.disabledReason === 'auth',
    isFailingAuth: ({ context }) => context.facts.authRetryAt > 0,
    isNotFailingYet: ({ context }) => context.facts.authRetryAt === 0,
    isLimited: ({ context }) => accountLimitedUntil(context.facts.limits) > context.now(),
    isCooling: ({ context }) => context.facts.coolingUntil > context.now(),
    mustWaitForRetry: ({ context }) => context.facts.authRetryAt > context.now(),
    servesWithItsToken: ({ context }) =>
      context.facts.authRetryAt === 0 && context.facts.tokenExpiresAt > context.now(),
    isCertainOrMayDisable: (_, params: { certain: boolean; mayDisable: boolean }) =>
      params.certain || params.mayDisable,
    isLastAllowedFailure: ({ context }, params: { counts: boolean; mayDisable: boolean }) =>
      params.counts &&
      params.mayDisable &&
      context.facts.authFailures + 1 >= context.policy().maxAuthFailures,
    learnsFromUsage: ({ context }, params: { read: UsageRead }) =>
      withUsageRead(context.facts.limits, params.read) !== context.facts.limits,
    isFailure: (_, params: { failure: TokenFailure; is: TokenFailure }) =>
      params.failure === params.is,
  },
  actions: {
    announce: enqueueActions(({ context, enqueue }, { state }: { state: AccountState }) => {
      const { supervisor, facts } = context
      if (supervisor === undefined) return
      enqueue.sendTo(supervisor, { type: 'account.entered', id: facts.id, state, facts })
    }),
    announceToken: enqueueActions(({ context, enqueue }, params: { renewing: boolean }) => {
      const { supervisor, facts } = context
      if (supervisor === undefined) return
      enqueue.sendTo(supervisor, { type: 'account.tokenEntered', id: facts.id, ...params })
    }),
    askForToken: enqueueActions(({ context, enqueue }) => {
      const { supervisor, facts } = context
      if (supervisor === undefined) return
      enqueue.sendTo(supervisor, { type: 'account.needsToken', id: facts.id })
    }),
    rememberLimits: assign({
      facts: ({ context }, params: { limits: readonly LimitRecord[] }) => ({
        ...context.facts,
        limits: withoutEnded(withLimits(context.facts.limits, params.limits), context.now()),
      }),
    }),
    takeUsage: assign({
      facts: ({ context }, params: { read: UsageRead }) => ({
        ...context.facts,
        limits: withoutEnded(withUsageRead(context.facts.limits, params.read), context.now()),
      }),
    }),
    strike: assign({
      facts: ({ context }, params: { sentAt: number; retryAfterMs: number | undefined }) =>
        struck(context.facts, params, context.policy(), context.now()),
    }),
    heal: assign({
      facts: ({ context }, params: { sentAt: number }) => healed(context.facts, params.sentAt),
    }),
    beginToProbe: assign({ facts: ({ context }) => returned(context.facts, context.now()) }),
    endProbing: assign({ facts: ({ context }) => ({ ...context.facts, coolingUntil: 0 }) }),
    countAuthFailure: assign({
      facts: ({ context }) => failedAuth(context.facts, context.policy(), context.now()),
    }),
    postponeAuth: assign({
      facts: ({ context }) => postponedAuth(context.facts, context.policy(), context.now()),
    }),
    takeToken: assign({
      facts: ({ context }, params: { expiresAt: number; version: number }) =>
        renewed(context.facts, params),
    }),
    disable: assign({
      facts: ({ context }, params: { reason: DisabledReason; detail: string }) =>
        disabled(context.facts, params.reason, params.detail),
    }),
    enable: assign({ facts: ({ context }) => enabled(context.facts) }),
    takeFacts: assign({ facts: (_, params: { facts: AccountFacts }) => params.facts }),
  },
}).createMachine({
  id: 'account',
  context: ({ input }) => ({ supervisor: undefined, ...input }),
  type: 'parallel',
  states: {
    availability: {
      initial: 'resolving',
      on: {
        'store.merged': {
          target: '.resolving',
          actions: { type: 'takeFacts', params: ({ event }) => ({ facts: event.facts }) },
        },
        'request.limited': {
          target: '.resolving',
          actions: { type: 'rememberLimits', params: ({ event }) => ({ limits: event.limits }) },
        },
        'request.burst': {
          target: '.resolving',
          actions: { type: 'strike', params: ({ event }) => event },
        },
        'request.succeeded': {
          target: '.resolving',
          actions: { type: 'heal', params: ({ event }) => ({ sentAt: event.sentAt }) },
        },
        'usage.read': {
          guard: { type: 'learnsFromUsage', params: ({ event }) => event },
          target: '.resolving',
          actions: { type: 'takeUsage', params: ({ event }) => event },
        },
        'request.unauthorized': [
          {
            guard: {
              type: 'isLastAllowedFailure',
              params: ({ event }) => ({ counts: true, mayDisable: event.mayDisable }),
            },
            target: '.disabled',
            actions: [
              'countAuthFailure',
              {
                type: 'disable',
                params: { reason: 'auth', detail: 'the provider keeps refusing its token' },
              },
            ],
          },
          { target: '.authFailing', actions: 'countAuthFailure' },
        ],
        'request.withoutToken': {
          guard: 'isNotFailingYet',
          target: '.authFailing',
          actions: 'postponeAuth',
        },
        'request.refused': {
          guard: {
            type: 'isCertainOrMayDisable',
            params: ({ event }) => ({
              certain: event.reason === 'revoked',
              mayDisable: event.mayDisable,
            }),
          },
          target: '.disabled',
          actions: { type: 'disable', params: ({ event }) => event },
        },
        'token.refreshed': {
          target: '.resolving',
          actions: { type: 'takeToken', params: ({ event }) => event },
        },
        'token.refreshFailed': [
          {
            guard: {
              type: 'isFailure',
              params: ({ event }) => ({ failure: event.failure, is: 'dead' }),
            },
            target: '.disabled',
            actions: {
              type: 'disable',
              params: ({ event }) => ({ reason: 'revoked', detail: event.detail }),
            },
          },
          {
            guard: {
              type: 'isFailure',
              params: ({ event }) => ({ failure: event.failure, is: 'lost' }),
            },
            target: '.disabled',
            actions: {
              type: 'disable',
              params: ({ event }) => ({ reason: 'lost', detail: event.detail }),
            },
          },
          {
            guard: {
              type: 'isLastAllowedFailure',
              params: ({ event }) => ({
                counts: event.failure === 'refused',
                mayDisable: event.mayDisable,
              }),
            },
            target: '.disabled',
            actions: [
              'countAuthFailure',
              {
                type: 'disable',
                params: ({ event }) => ({ reason: 'auth', detail: event.detail }),
              },
            ],
          },
          {
            guard: {
              type: 'isFailure',
              params: ({ event }) => ({ failure: event.failure, is: 'refused' }),
            },
            target: '.authFailing',
            actions: 'countAuthFailure',
          },
          // Offline while the access token still works: nothing is failing yet.
          { guard: 'servesWithItsToken' },
          { target: '.authFailing', actions: 'postponeAuth' },
        ],
        'user.disabled': {
          target: '.disabled',
          actions: { type: 'disable', params: { reason: 'user', detail: '' } },
        },
      },
      states: {
        resolving: {
          always: [
            { guard: 'isDisabled', target: 'disabled' },
            { guard: 'isFailingAuth', target: 'authFailing' },
            { guard: 'isLimited', target: 'rateLimited' },
            { guard: 'isCooling', target: 'cooling' },
            { target: 'active' },
          ],
        },
        active: {
          tags: 'selectable',
          entry: { type: 'announce', params: { state: 'active' } },
        },
        rateLimited: {
          tags: 'waiting',
          entry: { type: 'announce', params: { state: 'rateLimited' } },
          after: {
            untilLimitReset: { target: 'cooling', actions: 'beginToProbe' },
          },
        },
        cooling: {
          tags: 'probing',
          entry: { type: 'announce', params: { state: 'cooling' } },
          after: {
            untilCool: { target: 'resolving', actions: 'endProbing' },
          },
        },
        authFailing: {
          tags: 'broken',
          entry: { type: 'announce', params: { state: 'authFailing' } },
          initial: 'deciding',
          states: {
            deciding: {
              always: [{ guard: 'mustWaitForRetry', target: 'waiting' }, { target: 'asking' }],
            },
            waiting: {
              after: { untilAuthRetry: 'asking' },
            },
            asking: {
              entry: 'askForToken',
            },
          },
        },
        disabled: {
          tags: 'broken',
          entry: { type: 'announce', params: { state: 'disabled' } },
          on: {
            'user.enabled': { target: 'resolving', actions: 'enable' },
            'breaker.halfOpened': {
              guard: 'isByBreaker',
              target: 'resolving',
              actions: 'enable',
            },
            // Only a person, a new login or another process brings it back. What requests still
            // in flight report is remembered or ignored, and never moves it.
            'request.succeeded': {},
            'request.burst': {},
            'request.unauthorized': {},
            'request.withoutToken': {},
            'request.refused': {},
            'token.refreshFailed': {},
          },
        },
      },
    },
    token: {
      initial: 'idle',
      states: {
        idle: {
          entry: { type: 'announceToken', params: { renewing: false } },
          on: { 'token.refreshing': 'refreshing' },
        },
        refreshing: {
          entry: { type: 'announceToken', params: { renewing: true } },
          on: { 'token.refreshed': 'idle', 'token.refreshFailed': 'idle' },
        },
      },
    },
  },
})
