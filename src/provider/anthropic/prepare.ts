import { keyedHeaders, signedHeaders } from '../headers.ts'
import { isRecord, parseJson } from '../json.ts'
import type { Endpoints } from '../endpoints.ts'
import type { Credential, PreparedRequest, ReplayableRequest, TransformFlags } from '../provider.ts'
import { rewriteBranding } from './branding.ts'
import { stripResponse } from './strip-response.ts'
import { addToolPrefix } from './tool-prefix.ts'

export const USER_AGENT = 'claude-cli/2.1.2 (external, cli)'
/** Every endpoint that takes such a token wants it. */
export const OAUTH_BETA = 'oauth-2025-04-20'
const BETAS = [OAUTH_BETA, 'interleaved-thinking-2025-05-14']
const NO_NAMES: ReadonlySet<string> = new Set()

/** Makes a request of the host into one that the account may send. */
export function prepare(
  request: ReplayableRequest,
  { accessToken, isApiKey }: Credential,
  settings: { readonly endpoints: Endpoints; readonly transforms: TransformFlags },
): PreparedRequest {
  const { endpoints, transforms } = settings
  if (isApiKey) {
    return {
      url: preparedUrl(request.url, endpoints.api, false),
      headers: keyedHeaders(request.headers, accessToken),
      body: request.body,
      transformResponse: undefined,
    }
  }
  const headers = signedHeaders(request.headers, accessToken)
  headers.set('user-agent', USER_AGENT)
  headers.set('anthropic-beta', mergedBetas(headers.get('anthropic-beta')))
  const { body, sentNames } = transformBody(request.body, transforms)
  const strips = transforms.stripToolPrefixInResponse && sentNames.size > 0
  return {
    url: preparedUrl(request.url, endpoints.api, transforms.enableMessagesBetaQuery),
    headers,
    body,
    transformResponse: strips ? (response) => stripResponse(response, sentNames) : undefined,
  }
}

function mergedBetas(betas: string | null): string {
  const known = (betas ?? '').split(',').map((beta) => beta.trim())
  return [...new Set([...known, ...BETAS])].filter((beta) => beta !== '').join(',')
}

/** A body in which nothing changes is the same string, to the byte. */
function transformBody(body: ReplayableRequest['body'], flags: TransformFlags) {
  const unchanged = { body, sentNames: NO_NAMES }
  if (typeof body !== 'string') return unchanged
  if (!flags.addToolPrefix && !flags.rewriteOpenCodeBranding) return unchanged
  const parsed = parseJson(body)
  if (!isRecord(parsed)) return unchanged
  const sentNames = flags.addToolPrefix ? addToolPrefix(parsed) : NO_NAMES
  const isRebranded = flags.rewriteOpenCodeBranding && rewriteBranding(parsed)
  if (sentNames.size === 0 && !isRebranded) return unchanged
  return { body: JSON.stringify(parsed), sentNames }
}

function preparedUrl(requested: string, api: string | undefined, withBeta: boolean): string {
  if (!URL.canParse(requested)) return requested
  const target = redirected(requested, api)
  const url = new URL(target)
  const isMessages = url.pathname.endsWith('/v1/messages')
  if (!withBeta || !isMessages || url.searchParams.has('beta')) return target
  url.search = url.search === '' ? '?beta=true' : `${url.search}&beta=true`
  return url.href
}

/**
 * The same call at a configured base: the path from `/v1/` on is kept. The base may be written with
 * or without `/v1`, because the host's own `baseURL` is written with it.
 */
function redirected(requested: string, api: string | undefined): string {
  if (api === undefined || !URL.canParse(api)) return requested
  const { pathname, search } = new URL(requested)
  const version = pathname.lastIndexOf('/v1/')
  const base = new URL(api)
  base.pathname =
    base.pathname.replace(/\/+$/, '').replace(/\/v1$/, '') + pathname.slice(Math.max(0, version))
  base.search = search
  return base.href
}
