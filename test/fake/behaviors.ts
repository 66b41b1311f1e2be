/** One request to the model, as a behaviour sees it. The same for both providers. */
export interface Turn {
  readonly account: string
  /** How many requests this behaviour has answered before, on this account. */
  readonly earlier: number
  readonly model: string
  /** The conversation, and the one that started it as a subagent. */
  readonly session: string | undefined
  readonly parent: string | undefined
  /** The names of the tools that the request offers, as they were sent. */
  readonly tools: readonly string[]
  /** Whether the newest message of the history is a tool's result. */
  readonly isAfterTool: boolean
  readonly bodyText: string
  /** What an account says that was told nothing else: it names itself. */
  readonly defaultText: string
  /** Waits; ends early when the client goes away or the fake closes. */
  readonly pause: (ms: number) => Promise<void>
}

/** `session` = 5 hours, `weekly` = 7 days; the others are Anthropic's model families. */
export type Window = 'session' | 'weekly' | 'sonnet' | 'opus'

/** What the account does with a request, before a provider's folder puts it into its own words. */
export type Reaction =
  | {
      readonly kind: 'text'
      readonly text: string
      readonly betweenChunksMs?: number
      /** A thought comes first, where the provider shows them. */
      readonly hasThought?: true
    }
  | {
      readonly kind: 'tool'
      readonly name: string
      readonly input: Readonly<Record<string, unknown>>
    }
  /** A used-up window: its headers, `retry-after` and the provider's 429 body. */
  | { readonly kind: 'limited'; readonly until: number; readonly window: Window }
  /** A 429 while every window is fine. */
  | { readonly kind: 'burst'; readonly retryAfterSeconds: number | undefined }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'revoked' }
  | { readonly kind: 'overloaded' }
  /** An error event inside a 200 stream, after `text` (empty = before any content). */
  | {
      readonly kind: 'streamError'
      readonly error: StreamError
      readonly text: string
      /** The connection stays open after the error. */
      readonly stays: boolean
    }
  /** The connection is cut: before the headers, or after `text` has been streamed and seen. */
  | { readonly kind: 'cut'; readonly text: string | undefined }
  /** A stream that says `text` and then nothing more; the connection stays. */
  | { readonly kind: 'stall'; readonly text: string }
  /** A stream that says `text` and is closed in order, but without the event that ends it. */
  | { readonly kind: 'unfinished'; readonly text: string }
  /** Never answers. */
  | { readonly kind: 'silence' }
  | {
      readonly kind: 'raw'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
      /** The body stands open after this. */
      readonly ends?: 'never'
    }

export type StreamError = 'overloaded' | 'limited' | 'api' | 'unauthorized' | 'revoked' | 'request'

/** Has no state of its own: what came before stands in the turn. */
export type Behavior = (turn: Turn) => Reaction | Promise<Reaction>

export const ANSWERS: Behavior = ({ defaultText }) => ({ kind: 'text', text: defaultText })

/** The same, after a thought. */
export const THINKS: Behavior = ({ defaultText }) => ({
  kind: 'text',
  text: defaultText,
  hasThought: true,
})

/** 429 with `retry-after: 1` and no used-up window, once; then it answers. */
export const BURST: Behavior = ONCE(() => ({ kind: 'burst', retryAfterSeconds: 1 }))

/** 429 without a limit header, a `retry-after` or a reason, always. */
export const LIMITED_WITHOUT_REASON: Behavior = () => ({
  kind: 'burst',
  retryAfterSeconds: undefined,
})

/** 401 once; then it answers. The token itself stays good. */
export const UNAUTHORIZED_ONCE: Behavior = ONCE(() => ({ kind: 'unauthorized' }))

export const UNAUTHORIZED: Behavior = () => ({ kind: 'unauthorized' })

/** The account's access was taken away: 403 (Anthropic) or 401 (OpenAI) that says so, always. */
export const REVOKED: Behavior = () => ({ kind: 'revoked' })

/** The connection is cut before the answer's headers, always. */
export const CONNECTION_RESET: Behavior = () => ({ kind: 'cut', text: undefined })

/** Takes the request and never answers. */
export const SILENCE: Behavior = () => ({ kind: 'silence' })

export function ALWAYS_ANSWERS(text: string): Behavior {
  return () => ({ kind: 'text', text })
}

/** Streams `text` with a pause between its chunks. */
export function STREAMS_SLOWLY(text: string, betweenChunksMs: number): Behavior {
  return () => ({ kind: 'text', text, betweenChunksMs })
}

/** A used-up window until that time; then it answers. */
export function LIMITED_UNTIL(epochMs: number, options: { window?: Window } = {}): Behavior {
  const window = options.window ?? 'session'
  return (turn) =>
    Date.now() < epochMs ? { kind: 'limited', until: epochMs, window } : ANSWERS(turn)
}

/** One refusal with a used-up 5-hour window and this `retry-after`; then it answers. */
export function LIMITED_ONCE(retryAfterSeconds: number): Behavior {
  return ONCE(() => ({
    kind: 'limited',
    until: Date.now() + retryAfterSeconds * 1_000,
    window: 'session',
  }))
}

/** The provider's own trouble (529 or 503), that many times; then it answers. */
export function OVERLOADED(times: number): Behavior {
  return (turn) => (turn.earlier < times ? { kind: 'overloaded' } : ANSWERS(turn))
}

/** Waits, then does as `then` does. */
export function SLOW(ms: number, then: Behavior = ANSWERS): Behavior {
  return async (turn) => {
    await turn.pause(ms)
    return then(turn)
  }
}

/** An error event inside a 200 stream: before any content, or after `text`. */
export function FAILS_IN_STREAM(
  error: StreamError,
  text = '',
  { stays = false }: { readonly stays?: boolean } = {},
): Behavior {
  return () => ({ kind: 'streamError', error, text, stays })
}

/** Streams `text`, then cuts the connection; without a text right after the stream was opened. */
export function CUT_AFTER(text: string): Behavior {
  return () => ({ kind: 'cut', text })
}

/** Streams `text`, then nothing more. */
export function STALLS_AFTER(text: string): Behavior {
  return () => ({ kind: 'stall', text })
}

/** Streams `text` and ends without saying that it is complete. */
export function UNFINISHED_AFTER(text: string): Behavior {
  return () => ({ kind: 'unfinished', text })
}

/** Any answer at all, for what has no name here. */
export function REPLIES(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
): Behavior {
  return () => ({ kind: 'raw', status, headers, body })
}

/** A refusal whose body does not end. */
export function REFUSES_WITHOUT_END(status: number): Behavior {
  return () => ({ kind: 'raw', status, headers: {}, body: '{"error":{"mess', ends: 'never' })
}

/**
 * Calls the tool, and answers `thenText` when its result comes back. A request that does not offer
 * the tool (a title, a subagent) is answered with `otherwise`. The name is sent back as it was
 * offered, so a prefixed tool is called by its prefixed name.
 */
export function CALLS_TOOL(
  name: string,
  input: Readonly<Record<string, unknown>>,
  thenText: string,
  otherwise: Behavior = ANSWERS,
): Behavior {
  return (turn) => {
    const offered = turn.tools.find((tool) => tool === name || tool === `mcp_${name}`)
    if (turn.parent !== undefined || offered === undefined) return otherwise(turn)
    return turn.isAfterTool
      ? { kind: 'text', text: thenText }
      : { kind: 'tool', name: offered, input }
  }
}

/** `then` for the requests that the predicate picks, `otherwise` for the rest. */
export function WHEN(
  predicate: (turn: Turn) => boolean,
  then: Behavior,
  otherwise: Behavior = ANSWERS,
): Behavior {
  return (turn) => (predicate(turn) ? then(turn) : otherwise(turn))
}

/** One request as `first` says; then it answers. */
export function ONCE(first: Behavior): Behavior {
  return (turn) => (turn.earlier === 0 ? first(turn) : ANSWERS(turn))
}

/** One request each, in this order; the last one stays. */
export function SEQUENCE(...steps: readonly [Behavior, ...Behavior[]]): Behavior {
  return (turn) => {
    const at = Math.min(turn.earlier, steps.length - 1)
    const step = steps[at] ?? ANSWERS
    return step({ ...turn, earlier: turn.earlier - at })
  }
}
