import { isApiKey, needsNewLogin } from '../../machines/facts.ts'
import type { UsageRead } from '../../machines/limits.ts'
import { type UsageAnswer, askUsage } from '../provider/ask-usage.ts'
import type { Endpoints } from '../provider/endpoints.ts'
import type { Credential, Provider } from '../provider/provider.ts'
import type { World } from '../world.ts'
import type { Credentials } from './credentials.ts'
import type { HotStates } from './hot.ts'
import { spreadEnd } from './spread.ts'
import { explainState } from './status.ts'
import type { Supervision } from './supervision.ts'
import type { Sync } from './sync.ts'
import { evidenceOf } from './usage-evidence.ts'
import type { UsagePlans } from './usage-plans.ts'

/** What came of a person's question how much of an account is used. */
export type UsageOutcome =
  | { readonly kind: 'read' }
  /** `why`: the end of a sentence about the account. */
  | { readonly kind: 'unread'; readonly why: string }

export interface UsageReaderParts {
  readonly provider: Provider
  readonly endpoints: () => Endpoints
  readonly credentials: Credentials
  readonly hot: HotStates
  readonly plans: Pick<UsagePlans, 'asked' | 'answered'>
  readonly world: Pick<World, 'fetch' | 'now' | 'arm' | 'random'>
  readonly sync: Pick<Sync, 'saveUsage' | 'flush'>
  readonly machine: Pick<Supervision, 'views' | 'send'>
}

/** Asks the provider how much of an account is used, and makes it known. */
export interface UsageReader {
  /**
   * With this token. What was read is known to the account at once, and to the file soon; undefined
   * when nobody needs it any more. Never rejects.
   */
  ask(id: string, credential: Credential): Promise<UsageAnswer | undefined>
  /** Now, renewing the token first where that is needed. What was read is in the file afterwards. */
  readNow(id: string, signal: AbortSignal): Promise<UsageOutcome>
  /** Ends what is on its way. */
  stop(): void
}

const LONGEST_ANSWER_MS = 10_000

export function createUsageReader(parts: UsageReaderParts): UsageReader {
  const { provider, hot, plans, world, sync, machine } = parts
  const ending = new AbortController()

  async function ask(
    id: string,
    credential: Credential,
    signal = ending.signal,
  ): Promise<UsageAnswer | undefined> {
    plans.asked(id)
    const answer = await answerFor(credential, AbortSignal.any([ending.signal, signal]))
    const isGone = machine.views()[id] === undefined
    if (ending.signal.aborted || isGone) return undefined
    if (answer.kind === 'read') take(id, answer)
    return answer
  }

  function take(id: string, { report, sentAt, receivedAt }: UsageAnswer & { kind: 'read' }): void {
    plans.answered(id)
    hot.observe(id, report.usage, receivedAt)
    const read = withSpreadEnds(evidenceOf(report, sentAt))
    machine.send({ type: 'account.told', id, event: { type: 'usage.read', read } })
    sync.saveUsage(id, report.plan)
  }

  function withSpreadEnds(read: UsageRead): UsageRead {
    const end = (until: number) => spreadEnd(until, read.at, world.random)
    return { ...read, usedUp: read.usedUp.map((each) => ({ ...each, until: end(each.until) })) }
  }

  async function answerFor(credential: Credential, signal: AbortSignal): Promise<UsageAnswer> {
    const late = new AbortController()
    const disarm = world.arm(() => late.abort(new Error('it takes long')), LONGEST_ANSWER_MS)
    try {
      return await askUsage({
        provider,
        credential,
        endpoints: parts.endpoints(),
        fetch: world.fetch,
        now: world.now,
        signal: AbortSignal.any([signal, late.signal]),
      })
    } finally {
      disarm()
    }
  }

  async function readNow(id: string, signal: AbortSignal): Promise<UsageOutcome> {
    const view = machine.views()[id]
    if (view === undefined) return unread(GONE)
    if (isApiKey(view.facts)) return unread('an API key is paid by the request and has no windows')
    if (needsNewLogin(view.facts.disabledReason)) {
      return unread(explainState(view, world.now()).why)
    }
    const first = await parts.credentials.current(id, signal)
    if (first === undefined) return unread('its token could not be renewed')
    let answer = await ask(id, first, signal)
    if (answer?.kind === 'unavailable' && answer.detail === 'HTTP 401') {
      // Refused before its time: another program may have renewed it meanwhile.
      const newer = await parts.credentials.after(first.version, id, signal)
      if (newer === undefined) return unread('its token is refused')
      answer = await ask(id, newer, signal)
    }
    if (answer === undefined) return unread(GONE)
    if (answer.kind === 'unavailable') return unread(inWords(answer.detail))
    await sync.flush()
    return { kind: 'read' }
  }

  return { ask, readNow, stop: () => ending.abort() }
}

const GONE = 'it is not there any more'

/** The endpoint refuses whoever asks every minute. */
function inWords(detail: string): string {
  return detail === 'HTTP 429' ? 'it was asked too often just now' : detail
}

function unread(why: string): UsageOutcome {
  return { kind: 'unread', why }
}
