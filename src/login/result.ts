import type { Login, LoginRefusal } from '../provider/login.ts'
import type { Endpoints } from '../provider/endpoints.ts'
import type { Provider } from '../provider/provider.ts'
import type { World } from '../world.ts'

/** What a login needs. The endpoints stay as they were when it began. */
export interface LoginParts {
  readonly provider: Pick<Provider, 'name' | 'login'>
  readonly endpoints: Endpoints
  readonly world: Pick<World, 'fetch' | 'now' | 'monotonic' | 'delay' | 'arm'>
  readonly signal: AbortSignal
}

export type LoginResult = { readonly ok: true; readonly login: Login } | LoginFailure

export interface LoginFailure {
  readonly ok: false
  readonly code: LoginFailureCode
  /** What happened and what to do. Holds no token and no code. */
  readonly message: string
}

export type LoginFailureCode =
  /** What was pasted is no code at all. */
  | 'unreadable'
  /** The code belongs to another login. */
  | 'state'
  /** This login has already given its tokens, or is about to. */
  | 'used'
  /** The person, or the provider, said no on the page. */
  | 'denied'
  /** The browser could not come back here: another method is needed. */
  | 'noListener'
  /** Another login took the place of this one. */
  | 'replaced'
  /** The provider did not accept the code. */
  | 'refused'
  /** The provider could not be asked. */
  | 'unavailable'
  /** Nobody finished the login in time. */
  | 'expired'
  /** The host ended in the middle. */
  | 'aborted'

export function failure(code: LoginFailureCode, message: string): LoginFailure {
  return { ok: false, code, message }
}

export function stopped(): LoginFailure {
  return failure('aborted', 'The login was stopped because OpenCode closed. Start it again.')
}

/** Why the provider gave nothing, for the person. */
export function refusal(
  { provider, signal }: Pick<LoginParts, 'provider' | 'signal'>,
  refused: LoginRefusal,
): LoginFailure {
  if (signal.aborted) return stopped()
  if (refused.kind === 'refused') {
    return failure(
      'refused',
      `${provider.name} did not accept the login ("${refused.code}"). Start it again, and use the newest code at once.`,
    )
  }
  return failure(
    'unavailable',
    `${provider.name} could not be asked for tokens (${refused.detail}). Check the network, then start the login again.`,
  )
}
