import * as v from 'valibot'
import { type Secret, secret } from '../secret.ts'
import { isRecord } from './json.ts'
import { isOverloaded, isSuccess } from './refusal.ts'

/** The tokens of a successful answer, each field checked; undefined = not given or not usable. */
export interface Tokens {
  readonly accessToken: Secret
  readonly refreshToken: Secret | undefined
  readonly idToken: Secret | undefined
  /** Whole milliseconds; undefined for what is absent, zero, negative or absurd. */
  readonly expiresInMs: number | undefined
  /** Anthropic's `account`. */
  readonly account: { readonly uuid: string | undefined; readonly email: string | undefined }
}

/** What a token endpoint said, before the provider's folder says what it means. */
export type TokenAnswer =
  | { readonly kind: 'tokens'; readonly tokens: Tokens }
  | { readonly kind: 'error'; readonly error: TokenError }
  /**
   * Nobody's fault: network, time limit, 3xx, 408, 429, 5xx, unreadable answers. `inDoubt`: what was
   * asked for may have been done.
   */
  | { readonly kind: 'unavailable'; readonly detail: string; readonly inDoubt: boolean }

export interface TokenError {
  readonly status: number
  /** The error code, one word fit to be shown; undefined when the body names none. */
  readonly code: string | undefined
  /** For matching only: it may quote a token, so it is never shown. */
  readonly description: string
  /** Whether the body is a JSON object: a proxy's page is not, and proves nothing. */
  readonly isJson: boolean
}

/** No provider's token lives longer than this. */
const MAX_EXPIRES_IN_S = 366 * 24 * 3_600
/** Codes that speak of the endpoint and not of the token, whatever the status. */
const TRANSIENT_CODES = new Set([
  'api_error',
  'overloaded_error',
  'rate_limit_error',
  'rate_limit_exceeded',
  'server_error',
  'server_is_overloaded',
  'slow_down',
  'temporarily_unavailable',
  'timeout_error',
])

/**
 * Reads an answer of a token endpoint.
 *
 * @param body The parsed JSON, undefined when it is none.
 * @param sent The body of the request: what the endpoint quotes from it is never shown.
 */
export function readTokenAnswer(status: number, body: unknown, sent: string): TokenAnswer {
  const tokens = isSuccess(status) ? readTokens(body) : undefined
  return tokens ?? readError(status, body, sent)
}

const text = v.fallback(v.optional(v.pipe(v.string(), v.minLength(1))), undefined)
const token = v.fallback(
  v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.transform((value) => secret(value)),
    ),
  ),
  undefined,
)

const TokensSchema = v.object({
  access_token: v.pipe(v.string(), v.minLength(1)),
  refresh_token: token,
  id_token: token,
  expires_in: v.fallback(
    v.optional(
      v.pipe(
        v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))]),
        v.gtValue(0),
        v.maxValue(MAX_EXPIRES_IN_S),
      ),
    ),
    undefined,
  ),
  account: v.fallback(v.optional(v.object({ uuid: text, email_address: text })), undefined),
})

function readTokens(body: unknown): TokenAnswer | undefined {
  const parsed = v.safeParse(TokensSchema, body)
  if (!parsed.success) return undefined
  const { access_token, refresh_token, id_token, expires_in, account } = parsed.output
  const tokens: Tokens = {
    accessToken: secret(access_token),
    refreshToken: refresh_token,
    idToken: id_token,
    expiresInMs: expires_in === undefined ? undefined : Math.ceil(expires_in * 1_000),
    account: { uuid: account?.uuid, email: account?.email_address },
  }
  return { kind: 'tokens', tokens }
}

const ErrorSchema = v.object({
  error: v.fallback(
    v.optional(v.union([v.string(), v.object({ code: text, type: text, message: text })])),
    undefined,
  ),
  code: text,
  error_description: text,
  message: text,
})

function readError(status: number, body: unknown, sent: string): TokenAnswer {
  const parsed = v.safeParse(ErrorSchema, body)
  const found = parsed.success ? parsed.output : undefined
  const inner = typeof found?.error === 'object' ? found.error : undefined
  const named = typeof found?.error === 'string' ? found.error : inner?.code
  const code = wordOf(named ?? found?.code ?? inner?.type, sent)
  if (isTransient(status, code)) {
    const detail = `HTTP ${status}${code === undefined ? '' : ` ${code}`}`
    return { kind: 'unavailable', detail, inDoubt: status >= 500 || isSuccess(status) }
  }
  const description = found?.error_description ?? inner?.message ?? found?.message ?? ''
  return { kind: 'error', error: { status, code, description, isJson: isRecord(body) } }
}

/** A 2xx without tokens and without an error code leaves the exchange in doubt. */
function isTransient(status: number, code: string | undefined): boolean {
  if (code !== undefined && TRANSIENT_CODES.has(code)) return true
  if (isSuccess(status)) return code === undefined
  return status < 400 || status === 429 || status >= 500 || isOverloaded(status)
}

/** A code as it may be shown: one short word. A sentence, or what we sent quoted back, is "unknown". */
export function wordOf(code: string | undefined, sent = ''): string | undefined {
  if (code === undefined) return undefined
  return /^[A-Za-z_][\w.-]{0,39}$/.test(code) && !sent.includes(code) ? code : 'unknown'
}
