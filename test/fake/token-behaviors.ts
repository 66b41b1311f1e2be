/** What the token endpoint does with one exchange. */
interface Exchange {
  /** How many exchanges came before, since this behaviour was set. */
  readonly earlier: number
  /** The `x-client` header, where several processes say who they are. */
  readonly client: string | undefined
}

type TokenReaction =
  /** The old token is spent and a new one minted; waits lie before and after that moment. */
  | { readonly kind: 'rotate'; readonly beforeMs: number; readonly afterMs: number }
  /** A new access token, and the refresh token stays good: the answer names none. */
  | { readonly kind: 'keep' }
  /** Rotates, then cuts the connection: the client cannot know. */
  | { readonly kind: 'rotateAndCut' }
  /** Cuts the connection, and nothing was spent. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }

export type TokenBehavior = (exchange: Exchange) => TokenReaction

export const ROTATES: TokenBehavior = () => ({ kind: 'rotate', beforeMs: 0, afterMs: 0 })

/** `beforeMs` before the old token is spent, `afterMs` between that and the answer. */
export function ROTATES_SLOWLY(beforeMs: number, afterMs = 0): TokenBehavior {
  return () => ({ kind: 'rotate', beforeMs, afterMs })
}

/** Does not rotate: the answer holds no refresh token, because the old one stays good. */
export const KEEPS_THE_REFRESH_TOKEN: TokenBehavior = () => ({ kind: 'keep' })

/** 503, that many times; nothing is spent. */
export function UNAVAILABLE(times: number): TokenBehavior {
  return first(times, { kind: 'refuse', status: 503, code: 'temporarily_unavailable' })
}

/** The connection is lost after the old token was spent, that many times. */
export function CUT_AFTER_COMMIT(times = 1): TokenBehavior {
  return first(times, { kind: 'rotateAndCut' })
}

/** The connection is lost before anything was spent, that many times. */
export function CUT_BEFORE_COMMIT(times = 1): TokenBehavior {
  return first(times, { kind: 'cut' })
}

/** Refuses with this error code, always. */
export function REFUSES(status: number, code: string): TokenBehavior {
  return () => ({ kind: 'refuse', status, code })
}

function first(times: number, reaction: TokenReaction): TokenBehavior {
  return (exchange) => (exchange.earlier < times ? reaction : ROTATES(exchange))
}
