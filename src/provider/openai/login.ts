import { authorizeUrl } from '../authorize-url.ts'
import { redeemCode } from '../code-grant.ts'
import type { CodeGrant, LoginAnswer, LoginRequest, ProviderLogin } from '../login.ts'
import { poll, start } from './device.ts'
import { readIdentity } from './identity.ts'
import { CLIENT_ID, expiryOf } from './refresh.ts'

const SCOPE = 'openid profile email offline_access'

export const login: ProviderLogin = {
  methods: [
    {
      kind: 'browser',
      // Registered like this: the provider takes no other.
      port: 1455,
      path: '/auth/callback',
      cancelPath: '/cancel',
      pageUrl: ({ authorize }, { codeChallenge, state, redirectUri }) =>
        authorizeUrl(authorize, {
          response_type: 'code',
          client_id: CLIENT_ID,
          redirect_uri: redirectUri,
          scope: SCOPE,
          code_challenge: codeChallenge,
          code_challenge_method: 'S256',
          id_token_add_organizations: 'true',
          codex_cli_simplified_flow: 'true',
          state,
          originator: 'opencode',
        }),
    },
    { kind: 'deviceCode', start, poll },
  ],
  redeem,
  identify: (accessToken) => readIdentity({ idToken: undefined, accessToken }),
}

async function redeem(grant: CodeGrant, request: LoginRequest): Promise<LoginAnswer> {
  const askedAt = request.now()
  const contentType = 'application/x-www-form-urlencoded'
  const client = { id: CLIENT_ID, contentType, sendsState: false } as const
  const answer = await redeemCode(grant, client, request)
  if (answer.kind !== 'tokens') return answer
  const { accessToken, refreshToken } = answer.tokens
  if (refreshToken === undefined) return { kind: 'refused', code: 'no_refresh_token' }
  const expiresAt = expiryOf(answer.tokens, askedAt)
  return {
    kind: 'granted',
    login: { accessToken, refreshToken, expiresAt, ...readIdentity(answer.tokens) },
  }
}
