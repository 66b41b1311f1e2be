import { type Account, type WindowState, isUsedUp, windowOf } from './accounts.ts'
import type { Window } from './behaviors.ts'
import type { Headers } from './dialect.ts'
import type { Json } from './json.ts'

const PREFIX = 'anthropic-ratelimit-unified-'
const FAMILY_HEADERS: ReadonlyMap<Window, string> = new Map([
  ['sonnet', '7d_sonnet'],
  ['opus', '7d_opus'],
])
const CLAIMS: Readonly<Record<Window, string>> = {
  session: 'five_hour',
  weekly: 'seven_day',
  sonnet: 'seven_day_sonnet',
  opus: 'seven_day_opus',
}

export function limitHeaders(account: Account): Headers {
  if (account.apiKey !== undefined) return keyHeaders(account)
  const session = windowOf(account, 'session')
  const weekly = windowOf(account, 'weekly')
  const families = [...FAMILY_HEADERS].filter(([window]) => account.windows.has(window))
  const refusing = refusingWindow(account)
  return {
    [`${PREFIX}status`]: refusing === undefined ? 'allowed' : 'rejected',
    [`${PREFIX}reset`]: epochSeconds(windowOf(account, refusing ?? 'session')),
    [`${PREFIX}representative-claim`]: CLAIMS[refusing ?? 'session'],
    ...windowHeaders('5h', session),
    ...windowHeaders('7d', weekly),
    ...Object.assign(
      {},
      ...families.map(([window, name]) => windowHeaders(name, windowOf(account, window))),
    ),
    [`${PREFIX}overage-status`]: 'rejected',
    [`${PREFIX}overage-disabled-reason`]: 'org_level_disabled',
    'anthropic-organization-id': account.accountId,
  }
}

/** Allowances per minute; the session's window stands for that of requests. */
function keyHeaders(account: Account): Headers {
  const session = windowOf(account, 'session')
  return {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': isUsedUp(session) ? '0' : '49',
    'anthropic-ratelimit-requests-reset': new Date(session.resetsAt).toISOString(),
    'anthropic-organization-id': account.accountId,
  }
}

export function usage(account: Account): Json {
  return {
    five_hour: usageOf(windowOf(account, 'session')),
    seven_day: usageOf(windowOf(account, 'weekly')),
    seven_day_oauth_apps: null,
    seven_day_opus: account.windows.has('opus') ? usageOf(windowOf(account, 'opus')) : null,
    seven_day_sonnet: account.windows.has('sonnet') ? usageOf(windowOf(account, 'sonnet')) : null,
    extra_usage: { is_enabled: false, monthly_limit: null, used_credits: null, utilization: null },
  }
}

function windowHeaders(name: string, state: WindowState): Headers {
  const allowed = state.percent >= 80 ? 'allowed_warning' : 'allowed'
  return {
    [`${PREFIX}${name}-status`]: isUsedUp(state) ? 'rejected' : allowed,
    [`${PREFIX}${name}-utilization`]: String(state.percent / 100),
    [`${PREFIX}${name}-reset`]: epochSeconds(state),
  }
}

/** The used-up window that ends last. */
function refusingWindow(account: Account): Window | undefined {
  return [...account.windows.keys()]
    .filter((window) => isUsedUp(windowOf(account, window)))
    .toSorted((a, b) => windowOf(account, b).resetsAt - windowOf(account, a).resetsAt)[0]
}

function epochSeconds({ resetsAt }: WindowState): string {
  return String(Math.ceil(resetsAt / 1_000))
}

function usageOf({ percent, resetsAt }: WindowState): Json {
  return { utilization: percent, resets_at: new Date(resetsAt).toISOString() }
}
