export type RotaErrorCode =
  /** The network of this machine, or the provider's host, cannot be reached. */
  | 'network'
  /** The request body could not be read, so it cannot be sent. */
  | 'body'
  /** A streamed answer broke off, or nothing came for too long. */
  | 'stream'
  /** Options of `createAccountPool` that cannot work. */
  | 'options'

/** The only exception this package throws on purpose. `message` says what happened and what to do. */
export class RotaError extends Error {
  override readonly name = 'RotaError'
  readonly code: RotaErrorCode

  constructor(code: RotaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
