import { headerSafe, signedHeaders } from '../headers.ts'
import { isRecord, parseJson } from '../json.ts'
import type { Endpoints } from '../endpoints.ts'
import type { Credential, PreparedRequest, ReplayableRequest } from '../provider.ts'

/** Where ChatGPT accounts are served. */
export const CODEX_ENDPOINT = 'https://chatgpt.com/backend-api/codex/responses'
const CHATGPT_ONLY = ['chatgpt-account-id', 'originator', 'session-id']
const PUBLIC_HOST = 'api.openai.com'
/** The host that this package was verified against; its own value is kept when it sends one. */
const USER_AGENT = 'opencode/1.18.33'

/** Makes a request of the host into one that the account may send. The body is left alone. */
export function prepare(
  request: ReplayableRequest,
  credential: Credential,
  { endpoints }: { readonly endpoints: Endpoints },
): PreparedRequest {
  const { isApiKey } = credential
  return {
    url: isApiKey ? request.url : preparedUrl(request.url, endpoints.api),
    headers: isApiKey
      ? keyHeaders(request.headers, credential)
      : accountHeaders(request.headers, credential),
    body: request.body,
    transformResponse: undefined,
  }
}

/** ChatGPT refuses a body without `instructions`; the host sends them only for a login. */
export function needsKey({ body }: ReplayableRequest): boolean {
  if (typeof body !== 'string') return false
  if (!body.includes('"instructions"')) return true
  const parsed = parseJson(body)
  // A tool may have a parameter of that name.
  return isRecord(parsed) && !Object.hasOwn(parsed, 'instructions')
}

/** The host adds for ChatGPT what the public API does not know. */
function keyHeaders(given: Headers, { accessToken }: Credential): Headers {
  const headers = signedHeaders(given, accessToken)
  for (const name of CHATGPT_ONLY) headers.delete(name)
  return headers
}

/** A copy of the headers that names the account, its token and us. */
export function accountHeaders(given: Headers, { accessToken, accountId }: Credential): Headers {
  const headers = signedHeaders(given, accessToken)
  // The host's own value belongs to the account in its `auth.json`, which may be another one.
  headers.delete('chatgpt-account-id')
  const account = headerSafe(accountId ?? '')
  if (account !== '') headers.set('chatgpt-account-id', account)
  headers.set('originator', 'opencode')
  if (!/^opencode\//i.test(headers.get('user-agent') ?? '')) headers.set('user-agent', USER_AGENT)
  return headers
}

/**
 * A request for the model goes to the configured endpoint. Without one, only the public host is
 * rewritten: a `baseURL` of the host's own keeps working.
 */
function preparedUrl(requested: string, api: string | undefined): string {
  if (api === undefined || !URL.canParse(requested) || !URL.canParse(api)) return requested
  const { hostname, pathname, search } = new URL(requested)
  const isPublic = hostname === PUBLIC_HOST
  if (!isPublic && api === CODEX_ENDPOINT) return requested
  const isModelCall =
    pathname.endsWith('/chat/completions') ||
    (isPublic ? pathname === '/v1/responses' : pathname.endsWith('/responses'))
  return isModelCall ? withSearch(api, search) : requested
}

function withSearch(api: string, search: string): string {
  if (search === '') return api
  const url = new URL(api)
  url.search = url.search === '' ? search : `${url.search}&${search.slice(1)}`
  return url.href
}
