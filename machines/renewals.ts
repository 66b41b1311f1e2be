import type { AccountEvent } from './account.ts'
import type { AccountFacts } from './facts.ts'
import type { RefreshOutcome } from './refresh.ts'
import { until } from './time.ts'
import type { AccountView } from './view.ts'

/** When tokens are renewed in the background. */
export interface RenewalPlan {
  readonly enabled: boolean
  /** How long before the expiry, ms. */
  readonly leadMs: number
  /** The shortest time between two attempts for one account, ms. */
  readonly intervalMs: number
}

/** When logins were refused for good within the last minute, epoch ms by account. */
export type Refusals = Readonly<Record<string, number>>

/** Processes must not renew at the same instant: each spreads its lead time by ±10 %. */
const LEAD_SPREAD = 0.1
/** So many logins refused for good within so long: something else is wrong, so spend no more. */
const MOST_REFUSALS = 1
const REFUSALS_WITHIN_MS = 60_000
/** A token that still works is not renewed in a tight loop, whatever its life. */
const LEAST_DELAY_MS = 15_000

/**
 * Milliseconds until a token is renewed in the background; undefined = it is not. Of a token that
 * lives shorter than the lead time, half of what is left passes first.
 */
export function renewalDelay(
  at: { renewal: () => RenewalPlan; random: () => number; now: () => number },
  tokenExpiresAt: number,
): number | undefined {
  const plan = at.renewal()
  if (!plan.enabled || tokenExpiresAt === 0) return undefined
  const left = until(tokenExpiresAt, at.now)
  const lead = Math.min(plan.leadMs * (1 + LEAD_SPREAD * (2 * at.random() - 1)), left / 2)
  return Math.max(left - lead, left === 0 ? 0 : LEAST_DELAY_MS)
}

export function withRefusal(refusals: Refusals, id: string, now: number): Refusals {
  const all = Object.entries({ ...refusals, [id]: now })
  return Object.fromEntries(all.filter(([, at]) => at > now - REFUSALS_WITHIN_MS))
}

export function areTooMany(refusals: Refusals): boolean {
  return Object.keys(refusals).length > MOST_REFUSALS
}

/** What an account learns of the end of its renewal. */
export function tokenEvent(outcome: RefreshOutcome, mayDisable: boolean): AccountEvent {
  return outcome.kind === 'renewed'
    ? { type: 'token.refreshed', expiresAt: outcome.expiresAt, version: outcome.version }
    : {
        type: 'token.refreshFailed',
        failure: outcome.failure,
        detail: outcome.detail,
        mayDisable,
      }
}

/** Only a login, or a token from elsewhere, repairs it. */
export function isForGood({ failure }: RefreshOutcome & { kind: 'failed' }): boolean {
  return failure === 'dead' || failure === 'lost'
}

export function isRenewed(before: AccountView | undefined, facts: AccountFacts): boolean {
  return before !== undefined && facts.tokenVersion > before.facts.tokenVersion
}
