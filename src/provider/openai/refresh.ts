import { askTokenEndpoint } from '../oauth.ts'
import type { RefreshAnswer, RefreshRequest } from '../provider.ts'
import type { Tokens } from '../token-answer.ts'
import { readExpiry, readIdentity } from './identity.ts'

export const CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann'
/** Used when neither the answer nor the token says when it expires, so that nothing loops. */
const DEFAULT_LIFETIME_MS = 3_600_000
/** No token lives longer; an `exp` further away is no evidence. */
const MAX_LIFETIME_MS = 366 * 24 * 3_600_000
/** After one of these the refresh token never works again. */
const DEAD_CODES = new Set([
  'account_deactivated',
  'app_session_terminated',
  'invalid_grant',
  'refresh_token_expired',
  'refresh_token_invalidated',
  'refresh_token_reused',
  'token_revoked',
])

/** Spends the refresh token for new tokens. */
export async function refresh(request: RefreshRequest): Promise<RefreshAnswer> {
  const askedAt = request.now()
  const answer = await askTokenEndpoint({
    url: request.endpoints.token,
    contentType: 'application/x-www-form-urlencoded',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: request.refreshToken.reveal(),
      client_id: CLIENT_ID,
    }).toString(),
    fetch: request.fetch,
    signal: request.signal,
  })
  if (answer.kind === 'unavailable') return answer
  if (answer.kind === 'error') {
    const code = answer.error.code ?? `http_${answer.error.status}`
    return { kind: DEAD_CODES.has(code) ? 'dead' : 'refused', code }
  }
  const { accessToken, refreshToken } = answer.tokens
  const { accountId, email } = readIdentity(answer.tokens)
  return {
    kind: 'renewed',
    accessToken,
    refreshToken: refreshToken ?? request.refreshToken,
    expiresAt: expiryOf(answer.tokens, askedAt),
    accountId,
    email,
  }
}

/** Epoch ms, local clock. */
export function expiryOf({ accessToken, expiresInMs }: Tokens, askedAt: number): number {
  if (expiresInMs !== undefined) return askedAt + expiresInMs
  const expiry = readExpiry(accessToken) ?? 0
  const isSane = expiry > askedAt && expiry <= askedAt + MAX_LIFETIME_MS
  return isSane ? expiry : askedAt + DEFAULT_LIFETIME_MS
}
