import type { Secret } from '../secret.ts'
import type { Endpoints } from './endpoints.ts'

/** How a person signs in at a provider: what its endpoints take and give. */
export interface ProviderLogin {
  /** Best first: each serves where the one before it cannot be used. */
  readonly methods: readonly LoginMethod[]
  /** Exchanges an authorization code for tokens. Never rejects. */
  redeem(grant: CodeGrant, request: LoginRequest): Promise<LoginAnswer>
  /** Who a token belongs to, as far as it says itself. Asks nobody. */
  identify(accessToken: Secret): Identity
}

/**
 * One e-mail can own several accounts and seats: only account id and user id together identify an
 * account.
 */
export interface Identity {
  /** OpenAI: the workspace. Anthropic: the person. */
  readonly accountId: string | undefined
  /** What tells the seats of it apart. OpenAI: the person. Anthropic: the organization. */
  readonly userId: string | undefined
  readonly email: string | undefined
  readonly planTier: string | undefined
}

export type LoginMethod = Browser | PasteCode | DeviceCode

/** The person signs in on a page, which sends the browser back to us (RFC 8252). */
export interface Browser {
  readonly kind: 'browser'
  /**
   * Of `http://localhost:PORT/PATH`, as the provider knows it; 0 = any port is taken. The code
   * challenge is of method S256.
   */
  readonly port: number
  readonly path: string
  /** Ends the login, given its state; undefined = there is none. */
  readonly cancelPath: string | undefined
  pageUrl(
    endpoints: Endpoints,
    query: {
      readonly codeChallenge: string
      readonly state: string
      readonly redirectUri: string
    },
  ): string
}

/** The person signs in on a page, which then shows `CODE#STATE` to be pasted. */
export interface PasteCode {
  readonly kind: 'pasteCode'
  readonly redirectUri: string
  /** The page to sign in on. The code challenge is of method S256. */
  pageUrl(
    endpoints: Endpoints,
    query: { readonly codeChallenge: string; readonly state: string },
  ): string
}

/** The person types a short code in on a page; meanwhile we ask whether that has happened. */
export interface DeviceCode {
  readonly kind: 'deviceCode'
  /** Asks for a new code. Never rejects. */
  start(request: LoginRequest): Promise<DeviceStart>
  /** Asks once whether the person has typed it in. Never rejects. */
  poll(device: Device, request: LoginRequest): Promise<DevicePoll>
}

export interface Device {
  readonly id: Secret
  /** What the person types in. */
  readonly userCode: string
  /** Where. */
  readonly pageUrl: string
  /** Between two polls, ms. */
  readonly intervalMs: number
}

export type DeviceStart = { readonly kind: 'started'; readonly device: Device } | LoginRefusal

export type DevicePoll =
  | { readonly kind: 'pending' }
  /** Asked too often. */
  | { readonly kind: 'slowDown' }
  | { readonly kind: 'approved'; readonly grant: CodeGrant }
  | LoginRefusal

/** An authorization code, and what the token endpoint wants to see beside it. */
export interface CodeGrant {
  readonly code: Secret
  readonly codeVerifier: Secret
  readonly redirectUri: string
  /** Undefined where the method has none. */
  readonly state: string | undefined
}

export type LoginAnswer = { readonly kind: 'granted'; readonly login: Login } | LoginRefusal

export type LoginRefusal =
  /** `code` is the provider's error code. */
  | { readonly kind: 'refused'; readonly code: string }
  /** Nobody's fault (network, timeout, 408, 429, 5xx). */
  | { readonly kind: 'unavailable'; readonly detail: string }

/** The tokens of somebody who has signed in, and who that is as far as the provider tells. */
export interface Login extends Identity {
  readonly accessToken: Secret
  readonly refreshToken: Secret
  /** Epoch ms, local clock. */
  readonly expiresAt: number
}

export interface LoginRequest {
  readonly endpoints: Endpoints
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly now: () => number
  readonly signal: AbortSignal
}
