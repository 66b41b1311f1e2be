import type { CodeGrant, LoginAnswer, LoginRequest, ProviderLogin } from '../login.ts'
import { askTokenEndpoint } from '../oauth.ts'
import { poll, start } from './device.ts'
import { readIdentity } from './identity.ts'
import { CLIENT_ID, expiryOf } from './refresh.ts'

export const login: ProviderLogin = {
  method: { kind: 'deviceCode', start, poll },
  redeem,
  identify: (accessToken) => readIdentity({ idToken: undefined, accessToken }),
}

async function redeem(grant: CodeGrant, request: LoginRequest): Promise<LoginAnswer> {
  const askedAt = request.now()
  const answer = await askTokenEndpoint({
    url: request.endpoints.token,
    contentType: 'application/x-www-form-urlencoded',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: grant.code.reveal(),
      redirect_uri: grant.redirectUri,
      client_id: CLIENT_ID,
      code_verifier: grant.codeVerifier.reveal(),
    }).toString(),
    fetch: request.fetch,
    signal: request.signal,
  })
  if (answer.kind === 'unavailable') return answer
  if (answer.kind === 'error') {
    return { kind: 'refused', code: answer.error.code ?? `http_${answer.error.status}` }
  }
  const { accessToken, refreshToken } = answer.tokens
  if (refreshToken === undefined) return { kind: 'refused', code: 'no_refresh_token' }
  const expiresAt = expiryOf(answer.tokens, askedAt)
  return {
    kind: 'granted',
    login: { accessToken, refreshToken, expiresAt, ...readIdentity(answer.tokens) },
  }
}
