import { randomBytes } from 'node:crypto'
import type { Account } from './accounts.ts'
import { type Dialect, type Headers, bearerOf } from './dialect.ts'
import { type FakeOptions, createFake } from './fake.ts'
import type { HttpRequest } from './http.ts'
import { type Json, objectsOf, parseObject, textOf } from './json.ts'
import { error, react, unauthorized } from './openai-answers.ts'
import { limitHeaders, usage } from './openai-limits.ts'

/** A fake of ChatGPT's Codex backend and of OpenAI's token issuer on 127.0.0.1. */
export function createFakeOpenAI(options: FakeOptions = {}) {
  return createFake(openaiDialect, options)
}

const USAGE_PATH = '/backend-api/wham/usage'
const CODEX_PATH = '/backend-api/codex/responses'
const CLAIM = 'https://api.openai.com/auth'
const TOOL_RESULTS = ['function_call_output', 'custom_tool_call_output', 'local_shell_call_output']

const openaiDialect: Dialect = {
  id: 'openai',
  defaultPlan: 'plus',
  clientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
  paths: {
    model: [CODEX_PATH, '/v1/responses'],
    token: '/oauth/token',
    usage: USAGE_PATH,
    // There is none: the plan is part of the usage, the rest is in the token.
    profile: USAGE_PATH,
    authorize: '/oauth/authorize',
  },
  mint: (accountOf) => ({
    access: (name, generation) => jwt('at', accountOf(name), generation),
    refresh: (name, generation) => ({ token: canary('rt', name, generation), secrets: [] }),
    id: (name, generation) => jwt('id', accountOf(name), generation),
  }),
  endpoints: (origin) => ({
    authorize: `${origin}/oauth/authorize`,
    token: `${origin}/oauth/token`,
    usage: origin + USAGE_PATH,
    profile: origin + USAGE_PATH,
    api: `${origin}${CODEX_PATH}`,
  }),

  faultOfHeaders,
  keyOf: ({ headers }) => {
    const bearer = bearerOf({ headers })
    return bearer.startsWith('canary-key-') || bearer.startsWith('sk-') ? bearer : undefined
  },
  faultOfKeyRequest,
  faultOfRequest,
  asked,
  limitHeaders,
  unauthorized,
  unknownKey: () => error(401, 'invalid_api_key', 'Incorrect API key provided.'),
  badRequest: (message) => error(400, 'invalid_request', message),
  notFound: () => error(404, 'not_found', 'Not found'),
  react,
  usage,
  profile: usage,

  faultOfAuthorize,
  tokenFields,
  tokenAnswer: (_account, tokens) => ({
    id_token: tokens.idToken,
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    token_type: 'Bearer',
    expires_in: Math.round((tokens.expiresAt - Date.now()) / 1_000),
  }),
  tokenError: (code, message) => ({ error: { code, message, type: 'invalid_request_error' } }),
}

function faultOfHeaders({ url, headers }: HttpRequest): string | undefined {
  if (headers['x-api-key'] !== undefined) return 'x-api-key must not be sent.'
  if (bearerOf({ headers }) === '') return 'authorization: Bearer … is required.'
  if (url.pathname === USAGE_PATH) {
    return headers['chatgpt-account-id'] === undefined
      ? 'ChatGPT-Account-Id is required.'
      : undefined
  }
  if (url.pathname !== CODEX_PATH) return undefined
  if (headers['originator'] === undefined) return 'originator is required.'
  if (!headers['content-type']?.startsWith('application/json')) return 'content-type must be JSON.'
  return undefined
}

/** Keys are for the public API, which knows nothing of ChatGPT. */
function faultOfKeyRequest({ url, headers }: HttpRequest): string | undefined {
  if (url.pathname !== '/v1/responses') return 'An API key is good for /v1/responses only.'
  if (headers['x-api-key'] !== undefined) return 'x-api-key is not known here.'
  if (headers['chatgpt-account-id'] !== undefined) return 'chatgpt-account-id is one of logins.'
  if (headers['originator'] !== undefined) return 'originator is one of logins.'
  if (!headers['content-type']?.startsWith('application/json')) return 'content-type must be JSON.'
  return undefined
}

function faultOfRequest(
  { url, headers, bodyText }: HttpRequest,
  account: Account,
): string | undefined {
  const body = parseObject(bodyText)
  if (body === undefined) return 'The request body is not valid JSON.'
  if (textOf(body['model']) === undefined) return 'model is required'
  if (body['input'] === undefined) return 'input is required'
  if (url.pathname !== CODEX_PATH) return undefined
  if (headers['chatgpt-account-id'] !== account.accountId) {
    return 'ChatGPT-Account-Id is not the account of this token.'
  }
  if (textOf(body['instructions']) === undefined) return 'Instructions are required'
  if (body['store'] !== false) return 'Store must be set to false'
  if (body['max_output_tokens'] !== undefined) return 'Unsupported parameter: max_output_tokens'
  return undefined
}

function asked(body: Json) {
  const newest = objectsOf(body['input']).at(-1)
  return {
    model: textOf(body['model']) ?? '',
    tools: objectsOf(body['tools']).map((tool) => textOf(tool['name']) ?? ''),
    isAfterTool: TOOL_RESULTS.includes(textOf(newest?.['type']) ?? ''),
  }
}

/** Each of these must be as the client is registered. */
const AUTHORIZE_QUERY = {
  redirect_uri: 'http://localhost:1455/auth/callback',
  scope: 'openid profile email offline_access',
  id_token_add_organizations: 'true',
  codex_cli_simplified_flow: 'true',
  originator: 'opencode',
}

function faultOfAuthorize(query: URLSearchParams): string | undefined {
  const wrong = Object.entries(AUTHORIZE_QUERY).find(([name, value]) => query.get(name) !== value)
  return wrong === undefined ? undefined : `${wrong[0]} must be ${wrong[1]}.`
}

function tokenFields({ headers, bodyText }: HttpRequest): Headers | string {
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(bodyText))
  }
  return 'The body must be a form.'
}

/** Looks like a JWT; its signature is the canary. */
function jwt(kind: 'at' | 'id', account: Account, generation: number) {
  const signature = canary(kind, account.name, generation)
  const claims = {
    [CLAIM]: {
      chatgpt_account_id: account.accountId,
      chatgpt_plan_type: account.planTier,
      chatgpt_user_id: account.userId,
      chatgpt_account_user_id: `${account.userId}__${account.accountId}`,
    },
    'https://api.openai.com/profile': { email: account.email },
    email: account.email,
    sub: account.userId,
  }
  const token = `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url(claims)}.${signature}`
  return { token, secrets: [signature] }
}

function canary(kind: 'at' | 'rt' | 'id', account: string, generation: number): string {
  return `canary-${kind}-${account}-${generation}-${randomBytes(9).toString('hex')}`
}

function base64url(value: Json): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
