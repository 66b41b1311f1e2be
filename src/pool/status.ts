import { type AccountFacts, type DisabledReason, isApiKey } from '../../machines/facts.ts'
import type { Usage } from '../provider/provider.ts'
import {
  RETRY_AFTER,
  SESSION,
  UNIFIED,
  USAGE_LIMIT,
  WEEKLY,
  shownWindow,
} from '../provider/windows.ts'
import { BURST, type LimitRecord, bindingLimit } from '../../machines/limits.ts'
import type { AccountState } from '../../machines/account.ts'
import type { AccountView } from '../../machines/view.ts'
import type { HotState } from './select/selection.ts'

/** A subscription is paid by the month, a key by the request. */
export type AccountKind = 'subscription' | 'apiKey'

/** One account as people see it. Holds no secret and no internal type. */
export interface AccountStatus {
  readonly id: string
  readonly label: string
  readonly kind: AccountKind
  /** "Claude Max", "ChatGPT Plus"; empty when unknown. */
  readonly plan: string
  readonly state: AccountState
  /** Served last in this process. */
  readonly active: boolean
  /** Its token is being renewed now. */
  readonly renewing: boolean
  /** One sentence: why it is in this state. */
  readonly why: string
  /** Epoch ms at which it can serve again; undefined when it can now, or only after a repair. */
  readonly backAt: number | undefined
  readonly disabledReason: DisabledReason | undefined
  readonly limits: readonly LimitRecord[]
  /** Each window with its reset, as far as known; `usageReadAt` says how old that is. */
  readonly usage: readonly Usage[]
  /** Epoch ms at which the provider said it, to this or to another process; 0 = never. */
  readonly usageReadAt: number
  readonly inFlight: number
  /** Requests and idle sessions of other OpenCode processes on it. */
  readonly usedElsewhere: number
  /** Epoch ms; 0 = not used by this process. */
  readonly lastUsedAt: number
}

export interface PoolStatus {
  readonly provider: string
  readonly accounts: readonly AccountStatus[]
  /** Why the accounts file cannot be read; empty while it can. */
  readonly problem: string
}

export function accountStatus(
  view: AccountView,
  { inFlight, foreignLoad, lastUsedAt, usage, usageAt }: HotState,
  { plan, active, now }: { readonly plan: string; readonly active: boolean; readonly now: number },
): AccountStatus {
  const { id, state, renewing, facts } = view
  return {
    id,
    label: facts.label,
    kind: kindOf(facts),
    plan,
    state,
    active,
    renewing,
    ...explainState(view, now),
    disabledReason: facts.disabledReason ?? undefined,
    limits: facts.limits.map(shownLimit),
    usage: usage.map(shownUsage),
    usageReadAt: usageAt,
    inFlight,
    usedElsewhere: foreignLoad,
    lastUsedAt,
  }
}

export function kindOf(facts: AccountFacts): AccountKind {
  return isApiKey(facts) ? 'apiKey' : 'subscription'
}

/** Why an account is in its state, in words, and when it is back. */
export function explainState(
  { state, facts }: AccountView,
  now: number,
): { readonly why: string; readonly backAt: number | undefined } {
  switch (state) {
    case 'active':
      return { why: 'ready', backAt: undefined }
    case 'rateLimited': {
      const limit = bindingLimit(facts.limits, undefined, now)
      return limit === undefined
        ? { why: 'its limit ends now', backAt: now }
        : { why: explainLimit(limit), backAt: limit.until }
    }
    case 'cooling':
      return { why: 'its limit has ended; one request tries it first', backAt: now }
    case 'authFailing':
      return {
        why:
          facts.authFailures === 0
            ? 'its token could not be renewed yet'
            : `its token is refused (${facts.authFailures} in a row)`,
        backAt: facts.authRetryAt,
      }
    case 'disabled':
      return { why: explainDisabled(facts), backAt: undefined }
  }
}

/** One limit as the end of a sentence about an account. */
export function explainLimit({ window, source }: LimitRecord): string {
  const [length = window, part] = shownWindow(window).split(':')
  const scope = part === undefined ? '' : ` for ${part}`
  switch (length) {
    case SESSION:
      return `its 5-hour window${scope} is used up`
    case WEEKLY:
      return `its weekly window${scope} is used up`
    case BURST:
      return 'the provider asked it to slow down'
    case RETRY_AFTER:
      return 'the provider asked it to pause'
    case UNIFIED:
    case USAGE_LIMIT:
      return 'its usage limit is reached'
    default:
      return source === 'guess' ? 'it is limited' : `its ${length} window${scope} is used up`
  }
}

/** The accounts file may hold more beside these fields, and in them, and nobody knows what. */
function shownLimit({ scope, window, until, source, observedAt }: LimitRecord): LimitRecord {
  return { scope: shownScope(scope), window: shownWindow(window), until, source, observedAt }
}

function shownScope(scope: LimitRecord['scope']): LimitRecord['scope'] {
  return scope === 'account' ? scope : { family: shownWindow(scope.family) }
}

function shownUsage({ window, usedPercent, resetsAt }: Usage): Usage {
  return { window: shownWindow(window), usedPercent, resetsAt }
}

function explainDisabled(facts: AccountFacts): string {
  const { disabledDetail: detail } = facts
  // Whoever shows it ends the sentence.
  const said = detail === '' ? '' : `: ${detail.replace(/\.$/, '')}`
  const isKey = isApiKey(facts)
  switch (facts.disabledReason) {
    case 'user':
      return 'switched off by you'
    case 'auth':
      if (isKey) return `its API key is refused${said}. Enter a new one, or enable it`
      return `switched off, because its login keeps failing${said}. Sign in again, or enable it`
    case 'revoked':
      if (isKey) return `its API key does not work any more${said}`
      return `it needs a new login${said}`
    case 'lost':
      return `it needs a new login: a renewal of its token was cut off, and the new token may be lost${said}`
    case 'billing':
      return `its ${isKey ? 'organization' : 'plan'} does not pay for this${said}`
    case 'organization':
      return `its organization does not allow this${said}`
    case 'crashed':
      return `switched off after an internal fault${said}`
    case null:
      return 'disabled'
  }
}
