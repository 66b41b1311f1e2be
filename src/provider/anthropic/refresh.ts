import { askTokenEndpoint } from '../oauth.ts'
import type { RefreshAnswer, RefreshRequest } from '../provider.ts'
import type { TokenError } from '../token-answer.ts'

export const CLIENT_ID = '9d1c250a-e61b-44d9-88ed-5944d1962f5e'
/** What Anthropic grants; used when the answer names no usable time, so that nothing loops. */
export const DEFAULT_LIFETIME_MS = 8 * 3_600_000
/** Said of the refresh token in words, with whatever code. */
const DEAD_DESCRIPTION = /refresh token\b.*\b(?:not found|invalid|expired|revoked)/i
/** Codes that speak of our request, not of the account: they must not end all accounts at once. */
const OUR_FAULT = new Set([
  'invalid_client',
  'invalid_request',
  'invalid_request_error',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
])

/** Spends the refresh token for a new pair. */
export async function refresh(request: RefreshRequest): Promise<RefreshAnswer> {
  const askedAt = request.now()
  const answer = await askTokenEndpoint({
    url: request.endpoints.token,
    contentType: 'application/json',
    body: JSON.stringify({
      grant_type: 'refresh_token',
      refresh_token: request.refreshToken.reveal(),
      client_id: CLIENT_ID,
    }),
    fetch: request.fetch,
    signal: request.signal,
  })
  if (answer.kind === 'unavailable') return answer
  if (answer.kind === 'error') return judgeError(answer.error)
  const { accessToken, refreshToken, expiresInMs, account } = answer.tokens
  return {
    kind: 'renewed',
    accessToken,
    refreshToken: refreshToken ?? request.refreshToken,
    expiresAt: askedAt + (expiresInMs ?? DEFAULT_LIFETIME_MS),
    accountId: account.uuid,
    email: account.email,
  }
}

/** A 401 or 403 is permanent when it is the endpoint's own: a proxy's page is not JSON. */
function judgeError({ status, code, description, isJson }: TokenError): RefreshAnswer {
  if (code === 'invalid_grant') return { kind: 'dead', code }
  if (DEAD_DESCRIPTION.test(description)) return { kind: 'dead', code: 'invalid_grant' }
  const isForbidden = isJson && (status === 401 || status === 403)
  const isOurs = code !== undefined && OUR_FAULT.has(code)
  const shown = code ?? `http_${status}`
  return isForbidden && !isOurs ? { kind: 'dead', code: shown } : { kind: 'refused', code: shown }
}
