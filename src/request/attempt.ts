import type { LimitRecord } from '../../machines/limits.ts'
import type { VersionedCredential } from '../pool/credentials.ts'
import type { Pool } from '../pool/pool.ts'
import type { SelectionReason } from '../pool/select/selection.ts'
import { explainLimit } from '../pool/status.ts'
import type { Answer, Verdict } from '../provider/provider.ts'
import { RETRY_AFTER } from '../provider/windows.ts'
import type { World } from '../world.ts'
import type { Budget } from './budget.ts'
import { type ReadAnswer, readErrorBody } from './error-body.ts'
import { judgeAnswer } from './judge.ts'
import { openWith } from './open.ts'
import { endOnAbort } from './release.ts'
import type { ForeignReasoning } from './foreign.ts'
import type { Incoming } from './replay.ts'
import { createReport } from './report.ts'
import { connectionError, send } from './send.ts'
import type { Skew } from './skew.ts'

/** How an attempt on one account ended. */
export type Outcome =
  /** For the host: a success, or a refusal that no other account can change. */
  | { readonly kind: 'answer'; readonly response: Response }
  /** Another account may do better. */
  | { readonly kind: 'move'; readonly why: string; readonly refusal: ReadAnswer | undefined }

export interface AttemptParts {
  readonly pool: Pool
  readonly world: World
  readonly skew: Skew
  readonly foreign: ForeignReasoning
}

export interface Attempt extends Incoming {
  readonly account: { readonly id: string; readonly reason: SelectionReason }
  readonly model: string | undefined
  readonly budget: Budget
}

const IS_KEY = { isApiKey: true } as const

/** An outcome, or the same account once more with this token. */
type Reaction = Outcome | { readonly kind: 'again'; readonly credential: VersionedCredential }

/** Pauses before the same account is tried again; each is spread by up to half as much. */
const NETWORK_PAUSE_MS = 200
const OVERLOAD_PAUSE_MS = 500
/** A provider in trouble may ask for a pause, but not for all of the person's patience. */
const LONGEST_OVERLOAD_PAUSE_MS = 4_000

/**
 * Sends a request with one account until it is answered or another account should have it: waits
 * out a short burst, renews a refused token once, tries again when the provider is in trouble.
 * Rejects with the caller's abort reason, or with `RotaError` `network`.
 */
export async function attemptOn(parts: AttemptParts, attempt: Attempt): Promise<Outcome> {
  const { pool, world, skew, foreign } = parts
  const { account, signal, model, budget } = attempt
  let request = foreign.readable(account.id, attempt.request)
  const begun = pool.begin(account.id, { probe: account.reason === 'probe' })
  const end = endOnAbort(begun, signal)
  const report = createReport(pool, world, account.id)
  const toAccount = { pool, world, id: account.id, report, released: end }
  const once = { waitedOut: false, renewed: false }
  let last: ReadAnswer | undefined

  async function run(): Promise<Outcome> {
    let credential = await pool.credentials.current(account.id, signal)
    while (credential !== undefined) {
      const reaction = await sendWith(credential)
      if (reaction.kind !== 'again') return reaction
      credential = reaction.credential
    }
    return withoutToken()
  }

  async function sendWith(credential: VersionedCredential): Promise<Reaction> {
    if (!budget.spend()) return move('this request was tried often enough', last)
    const prepared = pool.provider.prepare(request, credential, {
      endpoints: pool.endpoints(),
      transforms: pool.transforms(),
    })
    const sentAt = world.now()
    const sent = await send(world, request.method, prepared, signal)
    if (!sent.ok) {
      if (sent.why === 'late') return move('it did not begin to answer')
      if (!budget.mayRetryNetwork()) throw connectionError(sent, prepared.url)
      await pause(NETWORK_PAUSE_MS)
      return { kind: 'again', credential }
    }
    const { response, hangUp } = sent
    const receivedAt = world.now()
    skew.observe(response.headers, sentAt, receivedAt)
    const { status, headers } = response
    const skewMs = skew.ms()
    const asked = { model, sentAt, receivedAt, skewMs, ...(credential.isApiKey ? IS_KEY : {}) }
    const answer = { status, headers, body: undefined, ...asked }
    pool.observe(account.id, pool.provider.readUsage(answer))
    const read = response.ok
      ? await openWith({ ...toAccount, signal, hangUp }, answer, response, credential)
      : await readErrorBody(world, response, hangUp)
    signal?.throwIfAborted()
    if (read instanceof Response) {
      return { kind: 'answer', response: prepared.transformResponse?.(read) ?? read }
    }
    last = read
    return react({ ...answer, status: read.status, body: read.body }, read, credential)
  }

  async function react(
    answer: Answer,
    refusal: ReadAnswer,
    credential: VersionedCredential,
  ): Promise<Reaction> {
    const verdict = judgeAnswer(pool.provider, answer, credential)
    switch (verdict.kind) {
      case 'ok':
      case 'request':
        return { kind: 'answer', response: refusal.toResponse() }
      case 'foreign': {
        const readable = foreign.refused(account.id, request)
        if (readable === undefined) return { kind: 'answer', response: refusal.toResponse() }
        request = readable
        return { kind: 'again', credential }
      }
      case 'limited': {
        const waitMs = namedWait(verdict.limits, answer)
        if (mayWaitOut(waitMs)) return waitOut(waitMs, credential)
        report.limited(verdict, answer)
        return move(verdict.limits.map(explainLimit).join(', '), refusal)
      }
      case 'burst':
        if (mayWaitOut(verdict.retryAfterMs)) return waitOut(verdict.retryAfterMs, credential)
        report.burst(verdict, answer)
        return move('the provider asked it to slow down', refusal)
      case 'unauthorized':
        return renew(refusal, credential)
      case 'refused':
        return refuse(verdict, refusal)
      case 'overloaded':
        if (!budget.mayRetryOverload()) return move('the provider is in trouble', refusal)
        await pause(Math.min(verdict.retryAfterMs ?? OVERLOAD_PAUSE_MS, LONGEST_OVERLOAD_PAUSE_MS))
        return { kind: 'again', credential }
    }
  }

  /** A short pause on the same account keeps the prompt cache; a second one would not help. */
  function mayWaitOut(waitMs: number | undefined): waitMs is number {
    const short = pool.settings().short_retry_after_ms
    return !once.waitedOut && waitMs !== undefined && waitMs <= short
  }

  async function waitOut(waitMs: number, credential: VersionedCredential): Promise<Reaction> {
    once.waitedOut = true
    await pause(waitMs)
    return { kind: 'again', credential }
  }

  async function renew(refusal: ReadAnswer, credential: VersionedCredential): Promise<Reaction> {
    if (once.renewed) {
      pool.tell(account.id, { type: 'request.unauthorized' })
      return move('a fresh token was refused', refusal)
    }
    once.renewed = true
    const next = await pool.credentials.after(credential.version, account.id, signal)
    if (next === undefined) return withoutToken(refusal)
    return { kind: 'again', credential: next }
  }

  function withoutToken(refusal?: ReadAnswer): Outcome {
    pool.tell(account.id, { type: 'request.withoutToken' })
    return move('its token could not be renewed', refusal)
  }

  /** The breaker keeps the last usable account: then the host gets the provider's own words. */
  function refuse(verdict: Verdict & { kind: 'refused' }, refusal: ReadAnswer): Outcome {
    report.refused(verdict)
    if (pool.view(account.id)?.state === 'disabled') return move(verdict.detail, refusal)
    return { kind: 'answer', response: refusal.toResponse() }
  }

  function pause(ms: number): Promise<void> {
    return world.delay(ms * (1 + world.random() / 2), signal)
  }

  try {
    const outcome = await run()
    // A body that is still to be read ends the request later.
    if (outcome.kind === 'move' || !outcome.response.ok) end()
    return outcome
  } catch (error) {
    end()
    throw error
  }
}

/** How long the provider asks to wait when it names a time and no window. */
function namedWait(limits: readonly LimitRecord[], { receivedAt }: Answer): number | undefined {
  const [only, ...others] = limits
  if (only === undefined || others.length > 0 || only.window !== RETRY_AFTER) return undefined
  return only.until - receivedAt
}

function move(why: string, refusal?: ReadAnswer): Outcome {
  return { kind: 'move', why, refusal }
}
