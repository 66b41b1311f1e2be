import { assign, fromCallback, setup } from 'xstate'
import { type Lease, firstEnd, living } from './leases.ts'
import { port } from './port.ts'
import { until } from './time.ts'

export type ClaimsEvent =
  /** The pool: there are several accounts, and the person wants processes to spread over them. */
  | { type: 'claims.wanted' }
  /** The pool: the person switched claims off, or there is nothing to spread over. */
  | { type: 'claims.unwanted' }
  /** The pool: this process sends a request with an account that it holds no lease for. */
  | { type: 'account.used'; id: string }
  /** The watcher: what is held has changed, by us or by others. */
  | { type: 'leases.changed' }

export interface ClaimsInput {
  readonly now: () => number
  /** Whether this process uses the account now, or did a short while ago. */
  readonly isUsed: (id: string) => boolean
  /** Asked with every heartbeat, for a person who switches claims off and then does nothing. */
  readonly isWanted: () => boolean
}

/** How a write ended. A lease that cannot be written is nobody's error: others do not see it. */
export type WriteOutcome = { readonly ok: true } | { readonly ok: false; readonly detail: string }

interface ClaimsContext extends ClaimsInput {
  /** Accounts that this process holds a lease for, or is about to. */
  readonly held: readonly string[]
  /** What living other processes hold. */
  readonly theirs: readonly Lease[]
}

/** Requests begin in bursts: one write for all of them. */
const GATHER_MS = 50
/** Three in the life of a lease: one may come late and one get lost. */
const HEARTBEAT_MS = 20_000

/**
 * The leases of this process and what it knows of the others'. The steps are provided by
 * `src/pool/claims.ts`. Nothing waits for this machine, and a step that fails changes no request.
 */
export const claimsMachine = setup({
  types: {
    context: {} as ClaimsContext,
    events: {} as ClaimsEvent,
    input: {} as ClaimsInput,
  },
  actors: {
    /** What living other processes hold. */
    read: port<readonly Lease[], void>('claims', 'read'),
    /** Makes `accounts` all that this process holds. */
    write: port<WriteOutcome, { accounts: readonly string[] }>('claims', 'write'),
    /** Gives back all that this process holds. */
    release: port<void, void>('claims', 'release'),
    /** Sends `leases.changed`. */
    watch: fromCallback<ClaimsEvent>(() => {
      throw new Error('the step "watch" of the claims machine was not provided')
    }),
  },
  delays: {
    untilGathered: GATHER_MS,
    untilHeartbeat: HEARTBEAT_MS,
    /** The others' next sign of life is due, or one of their leases ends. */
    untilNextLook: ({ context }) =>
      Math.min(HEARTBEAT_MS, until(firstEnd(context.theirs), context.now)),
  },
  guards: {
    isUnwanted: ({ context }) => !context.isWanted(),
    holdsNothing: ({ context }) => context.held.length === 0,
    areThere: (_, params: { leases: readonly Lease[] }) => params.leases.length > 0,
  },
  actions: {
    hold: assign({
      held: ({ context }, params: { id: string }) =>
        context.held.includes(params.id) ? context.held : [...context.held, params.id],
    }),
    letUnusedGo: assign({ held: ({ context }) => context.held.filter(context.isUsed) }),
    takeTheirs: assign({ theirs: (_, params: { leases: readonly Lease[] }) => params.leases }),
    forgetEnded: assign({ theirs: ({ context }) => living(context.theirs, context.now()) }),
    forgetTheirs: assign({ theirs: [] }),
    forgetAll: assign({ held: [], theirs: [] }),
  },
}).createMachine({
  id: 'claims',
  context: ({ input }) => ({ ...input, held: [], theirs: [] }),
  initial: 'off',
  states: {
    /** Nothing is held, nothing is read, and the others' load counts for nothing. */
    off: {
      entry: 'forgetAll',
      initial: 'clean',
      on: { 'claims.wanted': { target: 'on' } },
      states: {
        clean: {},
        releasing: {
          invoke: {
            src: 'release',
            onDone: { target: 'clean' },
            // What could not be given back ends by itself.
            onError: { target: 'clean' },
          },
        },
      },
    },
    on: {
      type: 'parallel',
      // Without a watcher the next look comes with the next heartbeat.
      invoke: { id: 'watch', src: 'watch', onError: {} },
      on: { 'claims.unwanted': { target: 'off.releasing' } },
      states: {
        ours: {
          initial: 'idle',
          states: {
            /** No lease: no heartbeat and no write. */
            idle: {
              on: {
                'account.used': {
                  target: 'gathering',
                  actions: { type: 'hold', params: ({ event }) => event },
                },
              },
            },
            gathering: {
              on: {
                'account.used': { actions: { type: 'hold', params: ({ event }) => event } },
              },
              after: { untilGathered: { target: 'writing' } },
            },
            writing: {
              entry: 'letUnusedGo',
              invoke: {
                src: 'write',
                input: ({ context }) => ({ accounts: context.held }),
                onDone: [
                  { guard: 'holdsNothing', target: 'idle' },
                  // Refused or not: the next heartbeat writes again.
                  { target: 'holding' },
                ],
                onError: { target: 'holding' },
              },
              on: {
                // The write on its way does not know of it. It goes on; another one follows it.
                'account.used': {
                  target: 'gathering',
                  actions: { type: 'hold', params: ({ event }) => event },
                },
              },
            },
            holding: {
              on: {
                'account.used': {
                  target: 'gathering',
                  actions: { type: 'hold', params: ({ event }) => event },
                },
              },
              after: {
                untilHeartbeat: [
                  { guard: 'isUnwanted', target: '#claims.off.releasing' },
                  { target: 'writing' },
                ],
              },
            },
          },
        },
        theirs: {
          initial: 'reading',
          states: {
            reading: {
              invoke: {
                src: 'read',
                onDone: [
                  {
                    guard: {
                      type: 'areThere',
                      params: ({ event }) => ({ leases: event.output }),
                    },
                    target: 'present',
                    actions: {
                      type: 'takeTheirs',
                      params: ({ event }) => ({ leases: event.output }),
                    },
                  },
                  { target: 'absent', actions: 'forgetTheirs' },
                ],
                onError: { target: 'absent', actions: 'forgetTheirs' },
              },
              on: {
                // What is being read may be from before the change.
                'leases.changed': { target: 'reading', reenter: true },
              },
            },
            /** Nobody else holds a lease: nothing to look after until something changes. */
            absent: {
              on: { 'leases.changed': { target: 'reading' } },
            },
            /** A process that is killed writes nothing: look again even if nothing changes. */
            present: {
              on: { 'leases.changed': { target: 'reading' } },
              after: { untilNextLook: { target: 'reading', actions: 'forgetEnded' } },
            },
          },
        },
      },
    },
  },
})
