import type { Secret } from './secret.ts'

/** The tokens of a renewed login. */
export interface RenewedTokens {
  readonly accessToken: Secret
  /** The new refresh token; the old one when the provider did not rotate it. */
  readonly refreshToken: Secret
  /** When the access token ends, epoch ms on the local clock. */
  readonly expiresAt: number
  readonly accountId: string | undefined
  readonly email: string | undefined
}
