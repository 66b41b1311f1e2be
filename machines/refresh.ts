import { type ActorRef, type Snapshot, assign, enqueueActions, setup } from 'xstate'
import type { TokenFailure } from './account.ts'
import { port } from './port.ts'

/** How one run of the refresh protocol ended. Facts only: the tokens went to the vault. */
export type RefreshOutcome =
  | { readonly kind: 'renewed'; readonly expiresAt: number; readonly version: number }
  | { readonly kind: 'failed'; readonly failure: TokenFailure; readonly detail: string }

/** What the store says about the token that is to be spent. */
export type RereadResult =
  /** It is still the current one. */
  | { readonly kind: 'current' }
  /** Another process, or another run, already renewed it; the vault holds the new one. */
  | RefreshOutcome

/** Who may spend the refresh token. */
export type ClaimResult =
  /** `inDoubt`: an earlier exchange without an answer may have spent it already. */
  | { readonly kind: 'ours'; readonly inDoubt: boolean }
  /** Another process is spending it: wait for what it records. */
  | { readonly kind: 'theirs' }
  | RefreshOutcome

type RefreshSupervisor = ActorRef<
  Snapshot<unknown>,
  { type: 'refresh.settled'; id: string; outcome: RefreshOutcome }
>

export interface RefreshInput {
  /** The account. */
  readonly id: string
  readonly supervisor?: RefreshSupervisor
}

interface RefreshContext {
  readonly id: string
  readonly supervisor: RefreshSupervisor | undefined
  readonly outcome: RefreshOutcome
  readonly inDoubt: boolean
}

export interface Step {
  readonly id: string
}

export interface SpendStep extends Step {
  readonly inDoubt: boolean
}

/**
 * One renewal of one token, so that a refresh token is spent once even when several processes
 * hold it. It never rejects: it reports an outcome. The steps are provided by `src/pool/renewal.ts`;
 * what the exchange brings is recorded by the step itself, so that stopping this machine loses
 * nothing.
 */
export const refreshMachine = setup({
  types: {
    context: {} as RefreshContext,
    input: {} as RefreshInput,
  },
  actors: {
    reread: port<RereadResult, Step>('refresh', 'reread'),
    claim: port<ClaimResult, Step>('refresh', 'claim'),
    awaitRecord: port<ClaimResult, Step>('refresh', 'awaitRecord'),
    exchange: port<RefreshOutcome, SpendStep>('refresh', 'exchange'),
  },
  guards: {
    isCurrent: (_, params: { kind: string }) => params.kind === 'current',
    isOurs: (_, params: { kind: string }) => params.kind === 'ours',
    isTheirs: (_, params: { kind: string }) => params.kind === 'theirs',
  },
  actions: {
    takeOutcome: assign({
      outcome: ({ context }, params: { result: RereadResult | ClaimResult }) =>
        isOutcome(params.result) ? params.result : context.outcome,
    }),
    takeDoubt: assign({
      inDoubt: (_, params: { result: ClaimResult }) =>
        params.result.kind === 'ours' && params.result.inDoubt,
    }),
    takeFault: assign({ outcome: () => BROKEN }),
    report: enqueueActions(({ context, enqueue }) => {
      const { supervisor, id, outcome } = context
      if (supervisor === undefined) return
      enqueue.sendTo(supervisor, { type: 'refresh.settled', id, outcome })
    }),
  },
}).createMachine({
  id: 'refresh',
  context: ({ input }) => ({
    id: input.id,
    supervisor: input.supervisor,
    outcome: BROKEN,
    inDoubt: false,
  }),
  initial: 'rereading',
  states: {
    rereading: {
      invoke: {
        src: 'reread',
        input: ({ context }) => ({ id: context.id }),
        onDone: [
          {
            guard: { type: 'isCurrent', params: ({ event }) => ({ kind: event.output.kind }) },
            target: 'claiming',
          },
          {
            target: 'settled',
            actions: { type: 'takeOutcome', params: ({ event }) => ({ result: event.output }) },
          },
        ],
        onError: { target: 'settled', actions: 'takeFault' },
      },
    },
    claiming: {
      invoke: {
        src: 'claim',
        input: ({ context }) => ({ id: context.id }),
        onDone: [
          {
            guard: { type: 'isOurs', params: ({ event }) => ({ kind: event.output.kind }) },
            target: 'exchanging',
            actions: { type: 'takeDoubt', params: ({ event }) => ({ result: event.output }) },
          },
          {
            guard: { type: 'isTheirs', params: ({ event }) => ({ kind: event.output.kind }) },
            target: 'awaiting',
          },
          {
            target: 'settled',
            actions: { type: 'takeOutcome', params: ({ event }) => ({ result: event.output }) },
          },
        ],
        onError: { target: 'settled', actions: 'takeFault' },
      },
    },
    awaiting: {
      invoke: {
        src: 'awaitRecord',
        input: ({ context }) => ({ id: context.id }),
        onDone: [
          {
            // Its owner died: the spending passes to us.
            guard: { type: 'isOurs', params: ({ event }) => ({ kind: event.output.kind }) },
            target: 'exchanging',
            actions: { type: 'takeDoubt', params: ({ event }) => ({ result: event.output }) },
          },
          {
            target: 'settled',
            actions: { type: 'takeOutcome', params: ({ event }) => ({ result: event.output }) },
          },
        ],
        onError: { target: 'settled', actions: 'takeFault' },
      },
    },
    exchanging: {
      invoke: {
        src: 'exchange',
        input: ({ context }) => ({ id: context.id, inDoubt: context.inDoubt }),
        onDone: {
          target: 'settled',
          actions: { type: 'takeOutcome', params: ({ event }) => ({ result: event.output }) },
        },
        onError: { target: 'settled', actions: 'takeFault' },
      },
    },
    settled: {
      entry: 'report',
      type: 'final',
    },
  },
})

/** A step threw: a fault of ours, so nobody's token is blamed and it is tried again later. */
const BROKEN: RefreshOutcome = {
  kind: 'failed',
  failure: 'unavailable',
  detail: 'the renewal stopped on an internal fault',
}

function isOutcome(result: RereadResult | ClaimResult): result is RefreshOutcome {
  return result.kind === 'renewed' || result.kind === 'failed'
}
