import { randomBytes } from 'node:crypto'
import { error, react, unauthorized } from './anthropic-answers.ts'
import { limitHeaders, usage } from './anthropic-limits.ts'
import { type Dialect, type Headers, bearerOf } from './dialect.ts'
import { type FakeOptions, createFake } from './fake.ts'
import type { HttpRequest } from './http.ts'
import { type Json, objectsOf, parseObject, textOf } from './json.ts'

/** A fake of Anthropic's API, console and token endpoint on 127.0.0.1. */
export function createFakeAnthropic(options: FakeOptions = {}) {
  return createFake(anthropicDialect, options)
}

const OAUTH_BETA = 'oauth-2025-04-20'

const anthropicDialect: Dialect = {
  id: 'anthropic',
  defaultPlan: 'max',
  clientId: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
  paths: {
    model: ['/v1/messages'],
    token: '/v1/oauth/token',
    usage: '/api/oauth/usage',
    profile: '/api/oauth/profile',
    authorize: '/oauth/authorize',
  },
  mint: () => ({
    access: (account, generation) => canary('at', account, generation),
    refresh: (account, generation) => canary('rt', account, generation),
    id: undefined,
  }),
  endpoints: (origin) => ({
    authorize: `${origin}/oauth/authorize`,
    token: `${origin}/v1/oauth/token`,
    usage: `${origin}/api/oauth/usage`,
    profile: `${origin}/api/oauth/profile`,
    api: `${origin}/v1`,
  }),

  faultOfHeaders,
  // With a bearer token beside it, too: then it is a fault.
  keyOf: ({ headers }) => headers['x-api-key'],
  faultOfKeyRequest,
  faultOfRequest,
  asked,
  limitHeaders,
  unauthorized,
  unknownKey: () => error(401, 'authentication_error', 'invalid x-api-key'),
  badRequest: (message) => error(400, 'invalid_request_error', message),
  notFound: () => error(404, 'not_found_error', 'Not found'),
  react,
  usage,
  profile: (account) => ({
    account: {
      uuid: account.accountId,
      email: account.email,
      has_claude_max: account.planTier === 'max',
      has_claude_pro: account.planTier === 'pro',
    },
    organization: {
      uuid: account.userId,
      name: `${account.email}'s Organization`,
      rate_limit_tier: 'default_claude_max_20x',
    },
  }),

  faultOfAuthorize,
  tokenFields,
  tokenAnswer: (account, tokens) => ({
    token_type: 'Bearer',
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    expires_in: Math.round((tokens.expiresAt - Date.now()) / 1_000),
    scope: 'user:inference user:profile',
    account: { uuid: account.accountId, email_address: account.email },
  }),
  tokenError: (code, message) => ({ error: code, error_description: message }),
}

function faultOfHeaders({ url, headers }: HttpRequest): string | undefined {
  if (bearerOf({ headers }) === '') return 'authorization: Bearer … is required.'
  const betas = (headers['anthropic-beta'] ?? '').split(',').map((beta) => beta.trim())
  if (!betas.includes(OAUTH_BETA)) return `anthropic-beta must hold ${OAUTH_BETA}.`
  if (new Set(betas).size < betas.length) return 'anthropic-beta holds a value twice.'
  if (url.pathname !== '/v1/messages') return undefined
  if (headers['anthropic-version'] === undefined) return 'anthropic-version: header is required'
  if (!headers['content-type']?.startsWith('application/json')) return 'content-type must be JSON.'
  return undefined
}

/** A key stands alone: no other name, and nothing that belongs to logins. */
function faultOfKeyRequest({ url, headers }: HttpRequest): string | undefined {
  if (headers['authorization'] !== undefined) return 'authorization must not be sent with a key.'
  if (headers['anthropic-beta']?.includes('oauth')) return 'anthropic-beta is one of logins.'
  if (headers['user-agent']?.startsWith('claude-cli/')) return 'user-agent is one of logins.'
  if (url.pathname !== '/v1/messages') return 'An API key is good for /v1/messages only.'
  if (url.search !== '') return 'A query is not expected.'
  if (headers['anthropic-version'] === undefined) return 'anthropic-version: header is required'
  if (!headers['content-type']?.startsWith('application/json')) return 'content-type must be JSON.'
  return undefined
}

function faultOfRequest({ bodyText }: HttpRequest): string | undefined {
  const body = parseObject(bodyText)
  if (body === undefined) return 'The request body is not valid JSON.'
  if (textOf(body['model']) === undefined) return 'model: Field required'
  if (typeof body['max_tokens'] !== 'number') return 'max_tokens: Field required'
  if (objectsOf(body['messages']).length === 0) return 'messages: at least one message is required'
  return undefined
}

function asked(body: Json) {
  const newest = objectsOf(body['messages']).at(-1)
  const results = objectsOf(newest?.['content']).filter((block) => block['type'] === 'tool_result')
  return {
    model: textOf(body['model']) ?? '',
    tools: objectsOf(body['tools']).map((tool) => textOf(tool['name']) ?? ''),
    isAfterTool: results.length > 0,
  }
}

/** The page that shows the code has an address of its own; a loopback redirect takes any port. */
function faultOfAuthorize(query: URLSearchParams): string | undefined {
  const redirect = query.get('redirect_uri') ?? ''
  const isRegistered =
    query.get('code') === 'true'
      ? redirect === 'https://console.anthropic.com/oauth/code/callback'
      : /^http:\/\/localhost:[1-9][0-9]*\/callback$/.test(redirect)
  if (!isRegistered) return 'redirect_uri is not registered.'
  const scope = query.get('scope')
  if (scope !== 'org:create_api_key user:profile user:inference') return 'scope is another one.'
  return undefined
}

function tokenFields({ headers, bodyText }: HttpRequest): Headers | string {
  if (!headers['content-type']?.startsWith('application/json')) return 'The body must be JSON.'
  const body = parseObject(bodyText)
  if (body === undefined) return 'The body is not a JSON object.'
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, String(value)]))
}

function canary(kind: 'at' | 'rt', account: string, generation: number) {
  const token = `canary-${kind}-${account}-${generation}-${randomBytes(9).toString('hex')}`
  return { token, secrets: [] }
}
