import {
  type AuthorizationServer,
  type Client,
  None,
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  customFetch,
  expectNoState,
  validateAuthResponse,
} from 'oauth4webapi'
import type { CodeGrant, LoginRefusal, LoginRequest } from './login.ts'
import { type TokenRequest, ask } from './oauth.ts'
import { type Tokens, readTokenAnswer } from './token-answer.ts'

export interface CodeClient {
  readonly id: string
  readonly contentType: TokenRequest['contentType']
  /** Whether the endpoint wants the state beside the code. */
  readonly sendsState: boolean
}

/** Exchanges an authorization code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5). Never rejects. */
export async function redeemCode(
  grant: CodeGrant,
  { id, contentType, sendsState }: CodeClient,
  request: LoginRequest,
): Promise<{ readonly kind: 'tokens'; readonly tokens: Tokens } | LoginRefusal> {
  const { code, codeVerifier, redirectUri, state } = grant
  const { endpoints } = request
  const server: AuthorizationServer = { issuer: endpoints.token, token_endpoint: endpoints.token }
  const client: Client = { client_id: id }
  let sent = ''
  const answer = await ask(request.signal, async (signal) =>
    authorizationCodeGrantRequest(
      server,
      client,
      None(),
      // The state was compared before: that of a pasted code, and of a device code, is our own.
      validateAuthResponse(
        server,
        client,
        new URLSearchParams({ code: code.reveal() }),
        expectNoState,
      ),
      redirectUri,
      codeVerifier.reveal(),
      {
        signal,
        additionalParameters: sendsState && state !== undefined ? { state } : {},
        // The address comes from the configuration, which may name a proxy on this machine.
        [allowInsecureRequests]: true,
        [customFetch]: (url, { body, method, redirect }) => {
          sent = contentType === 'application/json' ? jsonOf(body) : body.toString()
          const headers = { accept: 'application/json', 'content-type': contentType }
          return request.fetch(url, { method, headers, body: sent, redirect, signal })
        },
      },
    ),
  )
  if (answer.kind === 'unavailable') return answer
  const read = readTokenAnswer(answer.status, answer.body, sent)
  if (read.kind !== 'error') return read
  return { kind: 'refused', code: read.error.code ?? `http_${read.error.status}` }
}

function jsonOf(fields: URLSearchParams): string {
  return JSON.stringify(Object.fromEntries(fields))
}
