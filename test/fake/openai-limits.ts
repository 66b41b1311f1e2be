import { type Account, type WindowState, isUsedUp, windowOf } from './accounts.ts'
import type { Headers } from './dialect.ts'
import type { Json } from './json.ts'

const SESSION_MINUTES = 300
const WEEKLY_MINUTES = 10_080

export function limitHeaders(account: Account): Headers {
  if (account.apiKey !== undefined) return keyHeaders(account)
  return {
    ...windowHeaders('primary', windowOf(account, 'session'), SESSION_MINUTES),
    ...windowHeaders('secondary', windowOf(account, 'weekly'), WEEKLY_MINUTES),
    'x-codex-active-limit': 'codex',
    'x-codex-plan-type': account.planTier,
    'x-codex-credits-has-credits': 'False',
    'x-codex-credits-unlimited': 'False',
    'x-codex-credits-balance': '',
  }
}

/** Allowances per minute; the session's window stands for that of requests. */
function keyHeaders(account: Account): Headers {
  const session = windowOf(account, 'session')
  return {
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': isUsedUp(session) ? '0' : '499',
    'x-ratelimit-reset-requests': `${Math.floor(secondsLeft(session) / 60)}m${secondsLeft(session) % 60}s`,
  }
}

export function usage(account: Account): Json {
  const session = windowOf(account, 'session')
  const weekly = windowOf(account, 'weekly')
  const isLimited = isUsedUp(session) || isUsedUp(weekly)
  return {
    user_id: account.userId,
    account_id: account.accountId,
    email: account.email,
    plan_type: account.planTier,
    rate_limit: {
      allowed: !isLimited,
      limit_reached: isLimited,
      primary_window: usageWindow(session, SESSION_MINUTES),
      secondary_window: usageWindow(weekly, WEEKLY_MINUTES),
    },
    additional_rate_limits: [],
    credits: { has_credits: false, unlimited: false, balance: null },
  }
}

function windowHeaders(slot: string, state: WindowState, minutes: number): Headers {
  return {
    [`x-codex-${slot}-used-percent`]: String(state.percent),
    [`x-codex-${slot}-window-minutes`]: String(minutes),
    [`x-codex-${slot}-reset-after-seconds`]: String(secondsLeft(state)),
    [`x-codex-${slot}-reset-at`]: String(epochSeconds(state)),
  }
}

function usageWindow(state: WindowState, minutes: number): Json {
  return {
    used_percent: state.percent,
    limit_window_seconds: minutes * 60,
    reset_after_seconds: secondsLeft(state),
    reset_at: epochSeconds(state),
  }
}

function secondsLeft({ resetsAt }: WindowState): number {
  return Math.max(0, Math.ceil((resetsAt - Date.now()) / 1_000))
}

function epochSeconds({ resetsAt }: WindowState): number {
  return Math.ceil(resetsAt / 1_000)
}
