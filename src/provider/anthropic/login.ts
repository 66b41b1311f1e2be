import type { CodeGrant, LoginAnswer, LoginRequest, ProviderLogin } from '../login.ts'
import { askTokenEndpoint } from '../oauth.ts'
import { CLIENT_ID, DEFAULT_LIFETIME_MS } from './refresh.ts'

/** A page that shows the code instead of receiving it. */
const PASTE_REDIRECT_URI = 'https://console.anthropic.com/oauth/code/callback'
const SCOPE = 'org:create_api_key user:profile user:inference'

export const login: ProviderLogin = {
  method: {
    kind: 'pasteCode',
    redirectUri: PASTE_REDIRECT_URI,
    pageUrl({ authorize }, { codeChallenge, state }) {
      const url = new URL(authorize)
      const query = {
        code: 'true',
        client_id: CLIENT_ID,
        response_type: 'code',
        redirect_uri: PASTE_REDIRECT_URI,
        scope: SCOPE,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256',
        state,
      }
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
      return url.href
    },
  },
  redeem,
  // Its tokens say nothing.
  identify: () => ({
    accountId: undefined,
    userId: undefined,
    email: undefined,
    planTier: undefined,
  }),
}

async function redeem(grant: CodeGrant, request: LoginRequest): Promise<LoginAnswer> {
  const askedAt = request.now()
  const answer = await askTokenEndpoint({
    url: request.endpoints.token,
    contentType: 'application/json',
    body: JSON.stringify({
      grant_type: 'authorization_code',
      code: grant.code.reveal(),
      state: grant.state,
      client_id: CLIENT_ID,
      redirect_uri: grant.redirectUri,
      code_verifier: grant.codeVerifier.reveal(),
    }),
    fetch: request.fetch,
    signal: request.signal,
  })
  if (answer.kind === 'unavailable') return answer
  if (answer.kind === 'error') {
    return { kind: 'refused', code: answer.error.code ?? `http_${answer.error.status}` }
  }
  const { accessToken, refreshToken, expiresInMs, account } = answer.tokens
  if (refreshToken === undefined) return { kind: 'refused', code: 'no_refresh_token' }
  return {
    kind: 'granted',
    login: {
      accessToken,
      refreshToken,
      expiresAt: askedAt + (expiresInMs ?? DEFAULT_LIFETIME_MS),
      accountId: account.uuid,
      // The answer names no seat and no plan.
      userId: undefined,
      email: account.email,
      planTier: undefined,
    },
  }
}
