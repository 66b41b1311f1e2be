import type { AccountStatus, PoolStatus } from '../pool/status.ts'
import { timeOf } from '../pool/time-of.ts'
import type { Provider } from '../provider/provider.ts'

/** The host waits this long and asks again; what it shows meanwhile is our message. */
const RETRY_AFTER_SECONDS = 5

const PAUSE = { 'retry-after': String(RETRY_AFTER_SECONDS) }

/** No account: the host stops at once and shows the sentence (a 400 is not retried). */
export function noAccountAnswer(provider: Provider, { problem }: PoolStatus): Response {
  if (problem !== '') {
    const message = `The ${provider.name} accounts cannot be used: ${problem}`
    return answer(provider, 400, { type: 'invalid_request_error', message })
  }
  return answer(provider, 400, {
    type: 'invalid_request_error',
    message:
      `No ${provider.name} account is signed in: run "opencode auth login" and choose ` +
      `${provider.name}, or add one to ${provider.accountsFile}.`,
  })
}

/** Every account needs a person. */
export function allDisabledAnswer(provider: Provider, { accounts }: PoolStatus): Response {
  const reasons = accounts.map(({ label, why }) => `${label}: ${why}`).join('; ')
  const message =
    `No ${provider.name} account can be used (${reasons}). ` +
    `Run "opencode auth login" to sign in again, or enable one.`
  return answer(provider, 400, { type: 'invalid_request_error', message })
}

/** Every account was tried and none could even be asked: the host tries again after a pause. */
export function noneServedAnswer(provider: Provider): Response {
  const message = `No ${provider.name} account could be used just now; trying again shortly.`
  return answer(provider, 429, { type: 'rate_limit_error', message }, PAUSE)
}

/**
 * Those that could serve had no room for one more request, for longer than it may wait: the host
 * tries again after a pause.
 */
export function busyAnswer(
  provider: Provider,
  { accounts }: PoolStatus,
  maxInFlight: number,
): Response {
  const able = accounts.filter(({ state }) => state !== 'disabled')
  const busy = able.filter(({ inFlight }) => inFlight >= maxInFlight).length
  const which =
    busy === able.length
      ? `${busy === 1 ? 'The only' : `All ${busy}`} ${provider.name} account${busy === 1 ? '' : 's'}`
      : `${busy} of ${able.length} ${provider.name} accounts`
  const message =
    `${which} ${busy === 1 ? 'is' : 'are'} busy with ${maxInFlight} ` +
    `request${maxInFlight === 1 ? '' : 's'} each (max_in_flight_per_account)` +
    `${busy === able.length ? '' : ', and the rest cannot serve now'}; trying again shortly.`
  return answer(provider, 429, { type: 'rate_limit_error', message }, PAUSE)
}

/** All are limited for longer than a request may wait: who is back first, and when. */
export function allLimitedAnswer(
  provider: Provider,
  { accounts }: PoolStatus,
  first: { readonly id: string; readonly at: number; readonly needsKey: boolean },
  now: number,
): Response {
  const account = accounts.find(({ id }) => id === first.id)
  const able = accounts.filter(({ state }) => state !== 'disabled')
  const isKeysAlone = first.needsKey && account?.kind === 'apiKey'
  const count = isKeysAlone ? able.filter(({ kind }) => kind === 'apiKey').length : able.length
  const which = count === 1 ? 'The only' : `All ${count}`
  const what = isKeysAlone ? 'API key' : 'account'
  const message =
    `${which} ${provider.name} ${what}${count === 1 ? ' is' : 's are'} limited. First back: ` +
    `${account?.label ?? 'an account'} ${timeOf(first.at, now)}${reasonOf(account)}.`
  const seconds = Math.min(RETRY_AFTER_SECONDS, Math.max(1, Math.ceil((first.at - now) / 1_000)))
  return answer(
    provider,
    429,
    { type: 'rate_limit_error', message },
    { 'retry-after': String(seconds) },
  )
}

function reasonOf(account: AccountStatus | undefined): string {
  return account === undefined || account.state === 'active' ? '' : ` (${account.why})`
}

function answer(
  provider: Provider,
  status: number,
  error: { readonly type: string; readonly message: string },
  headers: Record<string, string> = {},
): Response {
  return new Response(provider.errorBody(error), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}
