import {
  type AuthorizationServer,
  AuthorizationResponseError,
  type Client,
  skipStateCheck,
  validateAuthResponse,
} from 'oauth4webapi'
import { wordOf } from '../provider/token-answer.ts'
import { type Secret, secret } from '../secret.ts'
import { isSame } from '../same.ts'

/** A request that somebody sent to the listener of a login, as it came: nothing decoded. */
export interface CallbackRequest {
  readonly method: string
  /** What stood between the method and the version. */
  readonly target: string
  /** Every `Host` header. */
  readonly hosts: readonly string[]
}

/** What the browser is expected to bring. */
export interface ExpectedCallback {
  readonly port: number
  readonly path: string
  /** Ends the login; undefined = there is none. */
  readonly cancelPath: string | undefined
  readonly state: string
}

export type CallbackVerdict =
  | { readonly kind: 'code'; readonly code: Secret }
  /** The person, or the provider, said no. `error` is one word fit to be shown. */
  | { readonly kind: 'denied'; readonly error: string }
  | { readonly kind: 'cancelled' }
  /** Not the answer that is waited for, which may still come. */
  | { readonly kind: 'refused'; readonly status: 400 | 404 }

/** Codes and states are far shorter. */
const MAX_TARGET_CHARS = 8_192
/** The check needs names; who answers is told by the state, which no other server was given. */
const SERVER: AuthorizationServer = { issuer: 'https://login.invalid' }
const CLIENT: Client = { client_id: 'login' }
const REFUSED = { kind: 'refused', status: 400 } as const
const UNKNOWN = { kind: 'refused', status: 404 } as const

/**
 * Judges a request to the listener (RFC 8252 §8.1, RFC 9700 §4.7). Without the state of this login
 * nothing counts, not even an error or a cancellation: any page that the browser shows can send
 * requests here.
 */
export function judgeCallback(
  { method, target, hosts }: CallbackRequest,
  expected: ExpectedCallback,
): CallbackVerdict {
  if (target.length > MAX_TARGET_CHARS || !isOurHost(hosts, expected.port)) return REFUSED
  const [path = '', query = '', ...rest] = target.split('?')
  // As it came: what only becomes our path by decoding or tidying is another one.
  if (path !== expected.path && path !== expected.cancelPath) return UNKNOWN
  if (method !== 'GET' || rest.length > 0) return REFUSED
  const parameters = new URLSearchParams(query)
  const [state, ...others] = parameters.getAll('state')
  if (state === undefined || others.length > 0 || !isSame(state, expected.state)) return REFUSED
  return path === expected.path ? read(parameters) : { kind: 'cancelled' }
}

function read(parameters: URLSearchParams): CallbackVerdict {
  const codes = parameters.getAll('code')
  // The providers publish no issuer that it could be compared with.
  parameters.delete('iss')
  try {
    validateAuthResponse(SERVER, CLIENT, parameters, skipStateCheck)
  } catch (error) {
    if (!(error instanceof AuthorizationResponseError)) return REFUSED
    return { kind: 'denied', error: wordOf(error.error) ?? 'unknown' }
  }
  const [code = '', ...others] = codes
  return code === '' || others.length > 0 ? REFUSED : { kind: 'code', code: secret(code) }
}

/** Another name that leads to this machine is somebody's who wants to read our answer. */
function isOurHost(hosts: readonly string[], port: number): boolean {
  const [host = '', ...others] = hosts
  const names = [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]
  return others.length === 0 && names.includes(host.toLowerCase())
}
