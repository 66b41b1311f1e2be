import type { Place, Queued } from '../pool/line.ts'
import type { Pool } from '../pool/pool.ts'
import type { Blocked } from '../pool/select/selection.ts'
import type { World } from '../world.ts'
import {
  allDisabledAnswer,
  allLimitedAnswer,
  busyAnswer,
  noAccountAnswer,
  noneServedAnswer,
} from './answers.ts'
import { attemptOn } from './attempt.ts'
import { TROUBLE_LASTS_MS, type ProviderHealth, createBudget } from './budget.ts'
import type { ReadAnswer } from './error-body.ts'
import { type FetchInput, makeReplayable } from './replay.ts'
import { createForeignReasoning } from './foreign.ts'
import { createSkew } from './skew.ts'
import { traitsOf } from './traits.ts'

export type PoolFetch = (input: FetchInput, init?: RequestInit) => Promise<Response>

/** A request that nobody can serve now. */
interface Waiting {
  /** What the provider said last. */
  readonly last: ReadAnswer | undefined
  /** On the monotonic clock, ms: it waits no longer. */
  readonly patience: number
  readonly conversation: string | undefined
  readonly isSubagent: boolean
  /** Of a mixed pool only keys can serve it. */
  readonly needsKey: boolean
  readonly signal: AbortSignal | undefined
}

/** A conversation that waits for a limit to end wakes up spread over this time. */
const WAKE_SPREAD_MS = 400
/** A request in line never looks again faster than this by itself. */
const LEAST_LOOK_MS = 50

/**
 * A `fetch` over the pool: select → prepare → send → judge → report → repeat. Resolves with the
 * provider's answer, or with one of our own (`answers.ts`); rejects only with the caller's abort
 * reason or a `RotaError`.
 */
export function createExecutor(pool: Pool, world: World): PoolFetch {
  const skew = createSkew()
  const foreign = createForeignReasoning(pool)
  const health: ProviderHealth = { troubledUntil: 0 }

  return async function poolFetch(input, init) {
    const place = pool.enterLine()
    try {
      return await serve(place, input, init)
    } finally {
      place.leave()
    }
  }

  async function serve(place: Place, input: FetchInput, init?: RequestInit): Promise<Response> {
    const incoming = await makeReplayable(input, init)
    const { signal } = incoming
    const { request } = incoming
    const needsKey = pool.isMixed() && pool.provider.needsKey(request)
    const traits = { ...traitsOf(request), needsKey }
    const { conversation } = traits
    const isSubagent = traits.parent !== undefined
    const patience = world.monotonic() + pool.settings().max_wait_ms
    const budget = createBudget(pool.size(), health, world)
    let tried = new Set<string>()
    let movedFrom: string | undefined
    let last: ReadAnswer | undefined

    for (;;) {
      signal?.throwIfAborted()
      // Awaited only when a file changed: a request that just succeeds waits for no disk.
      const reading = pool.upToDate()
      if (reading !== undefined) await reading
      const selection = pool.choose(traits, tried, place)
      if (!selection.ok && selection.blocked.why === 'busy') {
        const queued = { place, traits, tried, until: selection.blocked.firstBack?.at }
        const answer = await standInLine(queued, patience, signal)
        if (answer !== undefined) return answer
        continue
      }
      if (!selection.ok) {
        const answer = await wait(selection.blocked, {
          last,
          patience,
          conversation,
          isSubagent,
          needsKey,
          signal,
        })
        if (answer !== undefined) return answer
        tried = new Set()
        movedFrom = undefined
        continue
      }
      const { id, reason } = selection
      const label = pool.labelOf(id)
      const about = { account: id, label, conversation, isSubagent }
      pool.publish({ type: 'request.assigned', ...about, reason, after: movedFrom })
      const outcome = await attemptOn(
        { pool, world, skew, foreign },
        { ...incoming, account: { id, reason }, model: traits.model, budget },
      )
      if (outcome.kind === 'answer') {
        if (outcome.response.ok) health.troubledUntil = 0
        return outcome.response
      }
      const { refusal, why } = outcome
      pool.publish({ type: 'request.refused', ...about, status: refusal?.status, why })
      if (refusal !== undefined && refusal.status >= 500 && !budget.mayMoveOverloaded()) {
        health.troubledUntil = world.now() + TROUBLE_LASTS_MS
        return refusal.toResponse()
      }
      tried.add(id)
      movedFrom = label
      last = refusal ?? last
    }
  }

  /** All are busy: the final answer, or undefined when it is this request's turn to look again. */
  async function standInLine(
    queued: Queued & { readonly place: Place; readonly until: number | undefined },
    patience: number,
    signal: AbortSignal | undefined,
  ): Promise<Response | undefined> {
    const { place, traits, until } = queued
    const answer = () =>
      busyAnswer(pool.provider, pool.status(), pool.settings().max_in_flight_per_account)
    const left = patience - world.monotonic()
    if (left <= 0) return answer()
    pool.publish({ type: 'request.queued', conversation: traits.conversation })
    const ms =
      until === undefined ? left : Math.min(left, Math.max(LEAST_LOOK_MS, until - world.now()))
    return (await place.wait(queued, ms, signal)) ? undefined : answer()
  }

  /** Nobody can serve now: the final answer, or undefined after a wait that may have changed it. */
  async function wait(
    { why, firstBack }: Blocked,
    { last, patience, conversation, isSubagent, needsKey, signal }: Waiting,
  ): Promise<Response | undefined> {
    const now = world.now()
    if (why === 'empty') return noAccountAnswer(pool.provider, pool.status())
    if (why === 'tried') return last?.toResponse() ?? noneServedAnswer(pool.provider)
    if (firstBack === undefined) return allDisabledAnswer(pool.provider, pool.status())
    const answer = () =>
      allLimitedAnswer(pool.provider, pool.status(), { ...firstBack, needsKey }, now)
    const left = patience - world.monotonic()
    if (left <= 0 || firstBack.at - now >= left) return answer()
    const { id, at: until } = firstBack
    const label = pool.labelOf(id)
    pool.publish({ type: 'request.waiting', label, until, conversation, isSubagent })
    if (!(await pool.changedOrPast(until, signal))) return answer()
    await world.delay(world.random() * WAKE_SPREAD_MS, signal)
    return undefined
  }
}
