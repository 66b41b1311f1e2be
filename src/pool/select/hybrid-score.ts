import type { Usage } from '../../provider/provider.ts'
import type { AccountView } from '../../../machines/view.ts'
import { accountUsedPercent } from './quota.ts'
import type { HotState } from './selection.ts'

const USAGE_POINTS = 450
const HEALTH_POINTS = 250
const FRESHNESS_POINTS = 60
const ACTIVE_BONUS = 120
const CLAIMED_PENALTY = 200

/** An account that never told its usage counts as two thirds used: not empty, not full. */
const UNKNOWN_USED_PERCENT = 65
const STRIKE_COST = 60
const AUTH_FAILURE_COST = 100
/** An account that rested this long is fully fresh. */
const FRESH_AFTER_MS = 900_000

/** How good an account is now: −200 (used up and claimed by another process) to 880. */
export function hybridScore(
  view: AccountView,
  hot: HotState,
  at: { readonly active: boolean; readonly now: number },
): number {
  return (
    USAGE_POINTS * (1 - usedPercent(hot.usage, at.now) / 100) +
    health(view) +
    FRESHNESS_POINTS * Math.min(1, Math.max(0, at.now - hot.lastUsedAt) / FRESH_AFTER_MS) +
    (at.active ? ACTIVE_BONUS : 0) -
    (hot.foreignLoad > 0 ? CLAIMED_PENALTY : 0)
  )
}

function health({ facts }: AccountView): number {
  const cost = facts.strikes * STRIKE_COST + facts.authFailures * AUTH_FAILURE_COST
  return Math.max(0, HEALTH_POINTS - cost)
}

/** The fullest window of the account as a whole, 0–100. */
function usedPercent(usage: readonly Usage[], now: number): number {
  if (usage.length === 0) return UNKNOWN_USED_PERCENT
  return Math.min(100, accountUsedPercent(usage, now))
}
