import { fromPromise } from 'xstate'
import {
  type ClaimResult,
  type RefreshOutcome,
  type RereadResult,
  type SpendStep,
  type Step,
  refreshMachine,
} from '../../machines/refresh.ts'
import type { Endpoints } from '../provider/endpoints.ts'
import type { Provider } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
import type { SpendClaim, SpendJournal } from '../store/journal.ts'
import { isNone } from '../store/schema.ts'
import type { AccountStore } from '../store/store.ts'
import type { World } from '../world.ts'
import { createExchange } from './exchange.ts'
import { STOPPED, createAnswers, failed, renewedTo } from './renewal-answers.ts'
import type { Sync } from './sync.ts'
import { type Tokens, type Vault, isNewer, usableCredential } from './vault.ts'

export interface RenewalParts {
  readonly provider: Provider
  readonly endpoints: () => Endpoints
  readonly vault: Vault
  readonly store: AccountStore
  readonly sync: Pick<Sync, 'load' | 'take'>
  readonly journal: SpendJournal
  readonly world: Pick<World, 'fetch' | 'now' | 'delay' | 'arm'>
}

/** A living owner is done within the limits of `exchange.ts`; after that we look again later. */
const WAIT_FOR_OWNER_MS = 30_000

const NOT_RENEWABLE = failed('unavailable', 'an API key is not renewed')
const GIVEN_UP = failed('lost', 'two processes ended while they renewed it')

/**
 * The steps of the refresh machine. `machines/refresh.ts` says in which order they run, and
 * `docs/decisions/003-spending-refresh-tokens.md` why.
 */
export function provideRenewal(parts: RenewalParts) {
  const { vault, journal, world } = parts
  const exchangeToken = createExchange(parts)
  const { overtaken, unlessOvertaken, keep, bury, apply, writeUnrecorded } = createAnswers(parts)
  /** The tokens each run is about, since it read the store: newer ones that arrive need no renewal. */
  const begun = new Map<string, Tokens>()
  /** The tokens whose tickets are ours. */
  const claimed = new Map<string, Tokens>()

  /** Reads the store, which applies what any process has recorded. */
  async function reread({ id }: Step): Promise<RereadResult> {
    const before = vault.get(id)
    await parts.sync.load()
    const current = vault.get(id)
    if (current === undefined) return STOPPED
    if (isNone(current.refreshToken)) return NOT_RENEWABLE
    const [recorded] = await journal.spent([current.refreshToken])
    if (recorded !== undefined) return apply(id, current, recorded)
    const works = usableCredential(current, world.now()) !== undefined
    if (works && before !== undefined && isNewer(current, before)) return renewedTo(current)
    begun.set(id, current)
    return { kind: 'current' }
  }

  async function claim({ id }: Step, signal: AbortSignal): Promise<ClaimResult> {
    const tokens = begun.get(id)
    if (tokens === undefined) return STOPPED
    return follow(id, tokens, await journal.claim(tokens.refreshToken), signal)
  }

  async function awaitRecord({ id }: Step, signal: AbortSignal): Promise<ClaimResult> {
    const tokens = begun.get(id)
    if (tokens === undefined) return STOPPED
    const found = await journal.wait(tokens.refreshToken, WAIT_FOR_OWNER_MS, signal)
    if (found === undefined) return failed('unavailable', 'another process could not renew it yet')
    return follow(id, tokens, found, signal)
  }

  async function follow(
    id: string,
    tokens: Tokens,
    right: SpendClaim,
    signal: AbortSignal,
  ): Promise<ClaimResult> {
    switch (right.kind) {
      case 'ours':
        return recheck(id, tokens, right, signal)
      case 'theirs':
        return right
      case 'spent':
        return apply(id, tokens, right.record)
      case 'lost':
        return unlessOvertaken(id, tokens, GIVEN_UP)
      case 'unwritable':
        return failed('unavailable', `the new token could not be saved (${right.detail})`)
    }
  }

  /** The ticket is ours, but another process may have finished between our read and our claim. */
  async function recheck(
    id: string,
    tokens: Tokens,
    ours: ClaimResult,
    signal: AbortSignal,
  ): Promise<ClaimResult> {
    claimed.set(id, tokens)
    await parts.sync.load()
    // Stopped: nobody would go on with the ticket.
    const outcome = signal.aborted ? STOPPED : overtaken(id, tokens)
    if (outcome === undefined) return ours
    await giveBack(id, tokens)
    return outcome
  }

  async function giveBack(id: string, tokens: Tokens): Promise<void> {
    claimed.delete(id)
    await journal.release(tokens.refreshToken)
  }

  /** Never stopped half-way: what the provider answers is kept even if nobody waits for it. */
  async function exchange({ id, inDoubt }: SpendStep): Promise<RefreshOutcome> {
    const tokens = claimed.get(id)
    if (tokens === undefined) return STOPPED
    const outcome = overtaken(id, tokens)
    if (outcome !== undefined) {
      await giveBack(id, tokens)
      return outcome
    }
    claimed.delete(id)
    try {
      return await spend(id, tokens, inDoubt)
    } catch (error) {
      await journal.leaveInDoubt(tokens.refreshToken)
      throw error
    }
  }

  async function spend(id: string, tokens: Tokens, inDoubt: boolean): Promise<RefreshOutcome> {
    const { refreshToken } = tokens
    const isMarked = await journal.markSent(refreshToken).then(
      () => true,
      () => false,
    )
    if (!isMarked) {
      await journal.release(refreshToken)
      return failed('unavailable', 'the disk takes no note that it is renewed')
    }
    const answer = await exchangeToken(refreshToken, inDoubt)
    switch (answer.kind) {
      case 'renewed':
        return keep(id, tokens, answer)
      case 'dead':
        return bury(id, tokens, answer)
      case 'refused':
        await endWithout(refreshToken, answer.inDoubt)
        return failed('refused', `the provider answered "${answer.code}"`)
      case 'unavailable':
        await endWithout(refreshToken, answer.inDoubt)
        return failed('unavailable', `the provider could not be asked (${answer.detail})`)
    }
  }

  /** Ends a claim without a new token. */
  function endWithout(refreshToken: Secret, inDoubt: boolean): Promise<void> {
    return inDoubt ? journal.leaveInDoubt(refreshToken) : journal.release(refreshToken)
  }

  /** Steps that must come to their end: those that hold a ticket or wait for an answer. */
  const running = new Set<Promise<unknown>>()

  function toTheEnd<Result>(step: Promise<Result>): Promise<Result> {
    running.add(step)
    void step.finally(() => running.delete(step)).catch(() => undefined)
    return step
  }

  const machine = refreshMachine.provide({
    actors: {
      reread: fromPromise<RereadResult, Step>(({ input }) => reread(input)),
      claim: fromPromise<ClaimResult, Step>(({ input, signal }) => toTheEnd(claim(input, signal))),
      awaitRecord: fromPromise<ClaimResult, Step>(({ input, signal }) =>
        toTheEnd(awaitRecord(input, signal)),
      ),
      exchange: fromPromise<RefreshOutcome, SpendStep>(({ input }) => toTheEnd(exchange(input))),
    },
  })
  return {
    machine,
    async whenKept(): Promise<void> {
      await Promise.allSettled(running)
      await writeUnrecorded()
    },
  }
}
