import { authorizeUrl } from '../authorize-url.ts'
import { redeemCode } from '../code-grant.ts'
import type { CodeGrant, LoginAnswer, LoginRequest, ProviderLogin } from '../login.ts'
import { readProfile } from './profile.ts'
import { CLIENT_ID, DEFAULT_LIFETIME_MS } from './refresh.ts'

/** A page that shows the code instead of receiving it. */
const PASTE_REDIRECT_URI = 'https://console.anthropic.com/oauth/code/callback'
const SCOPE = 'org:create_api_key user:profile user:inference'

export const login: ProviderLogin = {
  methods: [
    {
      kind: 'browser',
      port: 0,
      path: '/callback',
      cancelPath: undefined,
      pageUrl: ({ authorize }, query) => authorizeUrl(authorize, queryOf(query)),
    },
    {
      kind: 'pasteCode',
      redirectUri: PASTE_REDIRECT_URI,
      pageUrl({ authorize }, query) {
        const rest = queryOf({ ...query, redirectUri: PASTE_REDIRECT_URI })
        return authorizeUrl(authorize, { code: 'true', ...rest })
      },
    },
  ],
  redeem,
  // Its tokens say nothing.
  identify: () => ({
    accountId: undefined,
    userId: undefined,
    email: undefined,
    planTier: undefined,
  }),
}

function queryOf(query: {
  readonly codeChallenge: string
  readonly state: string
  readonly redirectUri: string
}) {
  return {
    client_id: CLIENT_ID,
    response_type: 'code',
    redirect_uri: query.redirectUri,
    scope: SCOPE,
    code_challenge: query.codeChallenge,
    code_challenge_method: 'S256',
    state: query.state,
  }
}

async function redeem(grant: CodeGrant, request: LoginRequest): Promise<LoginAnswer> {
  const askedAt = request.now()
  const client = { id: CLIENT_ID, contentType: 'application/json', sendsState: true } as const
  const answer = await redeemCode(grant, client, request)
  if (answer.kind !== 'tokens') return answer
  const { accessToken, refreshToken, expiresInMs, account } = answer.tokens
  if (refreshToken === undefined) return { kind: 'refused', code: 'no_refresh_token' }
  // The answer names no organization and no plan.
  const profile = await readProfile(accessToken, request)
  return {
    kind: 'granted',
    login: {
      accessToken,
      refreshToken,
      expiresAt: askedAt + (expiresInMs ?? DEFAULT_LIFETIME_MS),
      accountId: account.uuid ?? profile?.accountId,
      userId: profile?.userId,
      email: account.email ?? profile?.email,
      planTier: profile?.planTier,
    },
  }
}
