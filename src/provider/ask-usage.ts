import { parseJson } from './json.ts'
import { failureName, readText } from './oauth.ts'
import type { Credential, Provider, UsageReport } from './provider.ts'
import type { Endpoints } from './endpoints.ts'
import { isSuccess } from './refusal.ts'
import { readRetryAfter } from './retry-after.ts'
import { countedSkew, skewSample } from './server-date.ts'

export type UsageAnswer =
  /** `sentAt`, `receivedAt`: epoch ms, local clock. */
  | {
      readonly kind: 'read'
      readonly report: UsageReport
      readonly sentAt: number
      readonly receivedAt: number
    }
  /** Whatever the reason: it says nothing about the account. */
  | {
      readonly kind: 'unavailable'
      readonly detail: string
      readonly retryAfterMs: number | undefined
    }

export interface UsageAsked {
  readonly provider: Pick<Provider, 'askUsage' | 'readUsageReport'>
  readonly credential: Credential
  readonly endpoints: Endpoints
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly now: () => number
  /** Ends it, and the wait for it. */
  readonly signal: AbortSignal
}

/** Asks a provider how much of an account is used. Never rejects. */
export async function askUsage(asked: UsageAsked): Promise<UsageAnswer> {
  const { signal } = asked
  if (signal.aborted) return unavailable('AbortError')
  try {
    return await Promise.race([ask(asked), ended(signal)])
  } catch (error) {
    return unavailable(failureName(error))
  }
}

async function ask(asked: UsageAsked): Promise<UsageAnswer> {
  const { provider, credential, endpoints, now, signal } = asked
  const { url, headers } = provider.askUsage(credential, endpoints)
  const sentAt = now()
  // A redirect would carry the token to wherever it points.
  const response = await asked.fetch(url, { headers, redirect: 'manual', signal })
  const receivedAt = now()
  const skewMs = countedSkew(skewSample(response.headers, { sentAt, receivedAt }))
  const clock = { receivedAt, skewMs }
  const body = parseJson(await readText(response))
  if (!isSuccess(response.status)) {
    const retryAfterMs = readRetryAfter(response.headers, clock)
    return { kind: 'unavailable', detail: `HTTP ${response.status}`, retryAfterMs }
  }
  const report = provider.readUsageReport(body, clock)
  if (report === undefined) return unavailable('an answer without usage')
  return { kind: 'read', report, sentAt, receivedAt }
}

function unavailable(detail: string): UsageAnswer {
  return { kind: 'unavailable', detail, retryAfterMs: undefined }
}

/** Holds even for a `fetch` that does not listen to its signal. */
function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
