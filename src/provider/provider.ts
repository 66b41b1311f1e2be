import type { Endpoints } from './endpoints.ts'
import type { DisabledReason } from '../../machines/facts.ts'
import type { LimitRecord } from '../../machines/limits.ts'
import type { Secret } from '../secret.ts'
import type { RenewedTokens } from '../tokens.ts'
import type { ProviderLogin } from './login.ts'
import type { AnswerClock } from './reset.ts'

/** How much of each window is used, in percent (0–100, may pass 100). */
export interface Usage {
  readonly window: string
  readonly usedPercent: number
  /** Epoch ms, or null when the provider names no reset. */
  readonly resetsAt: number | null
}

/** What a usage endpoint says about an account. It may be late: no refusal follows from it alone. */
export interface UsageReport {
  readonly usage: readonly Usage[]
  /** As the accounts file keeps it ("plus"); undefined when the provider does not say. */
  readonly plan: string | undefined
  /** Whether the provider serves the account now; undefined when it does not say. */
  readonly isAllowed: boolean | undefined
}

/** A GET that spends nothing. */
export interface UsageQuestion {
  readonly url: string
  readonly headers: Headers
}

/** All that is changed in requests and answers. See `docs/providers.md`; each can be switched off. */
export interface TransformFlags {
  readonly enableMessagesBetaQuery: boolean
  readonly addToolPrefix: boolean
  readonly stripToolPrefixInResponse: boolean
  readonly rewriteOpenCodeBranding: boolean
  readonly omitForeignReasoning: boolean
}

/** A request whose body can be sent any number of times. */
export interface ReplayableRequest {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  /** Text when the host gave text, so that it can be transformed; bytes otherwise. */
  readonly body: string | Uint8Array | undefined
}

/** What an account shows to the provider. */
export interface Credential {
  /** The access token of a login, or the API key. */
  readonly accessToken: Secret
  /** Not a login: the provider wants to be asked in another way. */
  readonly isApiKey?: true
  /** The provider's own account id (OpenAI sends it as a header). */
  readonly accountId: string | undefined
}

export interface PreparedRequest {
  readonly url: string
  readonly headers: Headers
  readonly body: string | Uint8Array | undefined
  /** Applied to a 2xx answer; undefined = the answer is passed on as it is. */
  readonly transformResponse: ((response: Response) => Response) | undefined
}

/** An answer of the provider, as far as judging needs it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The error body (at most 64 KiB), undefined for a 2xx or when it could not be read. */
  readonly body: string | undefined
  /** The model that was asked, when it is known. */
  readonly model: string | undefined
  /** Epoch ms, local clock. */
  readonly sentAt: number
  /** Epoch ms, local clock. */
  readonly receivedAt: number
  /** Server clock minus local clock, ms; apply it to absolute times from the server. */
  readonly skewMs: number
  /** Asked with an API key. */
  readonly isApiKey?: true
}

/** One event of a streamed answer (`text/event-stream`). */
export interface StreamEvent {
  readonly name: string | undefined
  readonly data: string
}

/** What an event of a streamed answer means. */
export type EventMeaning =
  /** Nothing is shown yet. `limits`: usage that it carries, as headers that say the same. */
  | { readonly kind: 'silent'; readonly limits?: Headers }
  /** A person may see something from here on. */
  | { readonly kind: 'content' }
  /** Not of this provider's making, as far as we know: it counts as content. */
  | { readonly kind: 'unknown' }
  /** The answer is complete. */
  | { readonly kind: 'end' }
  /** The answer failed. A refusal with this status and body would have said the same. */
  | { readonly kind: 'error'; readonly status: number; readonly body: string }

/** What an answer means for the account that gave it. */
export type Verdict =
  | { readonly kind: 'ok' }
  /** A window is used up; `limits` is never empty. */
  | { readonly kind: 'limited'; readonly limits: readonly LimitRecord[] }
  /**
   * Too fast, or refused without a reason. `retryAfterMs` only when the provider named it;
   * `usedUp` when it said that a window is used up, but no time that can be used.
   */
  | { readonly kind: 'burst'; readonly retryAfterMs: number | undefined; readonly usedUp?: true }
  /** The access token was not accepted. */
  | { readonly kind: 'unauthorized' }
  /** The account itself is refused. `detail` is the provider's message, cleaned. */
  | { readonly kind: 'refused'; readonly reason: DisabledReason; readonly detail: string }
  /** The request holds what only the account that made it can read. */
  | { readonly kind: 'foreign' }
  /** The provider is in trouble, the account is not. */
  | { readonly kind: 'overloaded'; readonly retryAfterMs: number | undefined }
  /** The request itself is at fault: the host gets the answer unchanged, nobody is benched. */
  | { readonly kind: 'request' }

/** What a token endpoint said. Never rejects: callers get a value. */
export type RefreshAnswer =
  | ({ readonly kind: 'renewed' } & RenewedTokens)
  /** The refresh token will never work again. `code` is the provider's error code. */
  | { readonly kind: 'dead'; readonly code: string }
  /** Refused without a known permanent code: counts as a failure, may be tried again. */
  | { readonly kind: 'refused'; readonly code: string }
  /**
   * Not the account's fault (network, timeout, 408, 429, 5xx). `inDoubt`: the request may have been
   * carried out, so that the token may be spent; false when that is certainly not so.
   */
  | { readonly kind: 'unavailable'; readonly detail: string; readonly inDoubt: boolean }

export interface RefreshRequest {
  readonly refreshToken: Secret
  readonly endpoints: Endpoints
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly now: () => number
  readonly signal: AbortSignal
}

/** One provider: a folder that holds every fact about its wire. Pure but for `refresh` and `login`. */
export interface Provider {
  /** The provider's id in OpenCode. */
  readonly id: 'anthropic' | 'openai'
  /** For people: "Anthropic", "OpenAI". */
  readonly name: string
  readonly accountsFile: string
  /** Config files in order of precedence, first found wins. */
  readonly configFiles: readonly string[]
  readonly logService: string
  /** The names of the status tools begin with it. */
  readonly toolPrefix: string
  readonly endpoints: Endpoints
  readonly transforms: TransformFlags
  /** "max" → "Claude Max"; an unknown tier is returned as it is, "" as "". */
  planLabel(tier: string): string
  /** The family a model's own limits apply to ("claude-opus-4-1" → "opus"); undefined = none known. */
  family(model: string): string | undefined
  prepare(
    request: ReplayableRequest,
    credential: Credential,
    settings: { readonly endpoints: Endpoints; readonly transforms: TransformFlags },
  ): PreparedRequest
  /** Whether only an API key can serve it: a login wants more in it than the host has put there. */
  needsKey(request: ReplayableRequest): boolean
  /**
   * The request without the encrypted reasoning whose mark is left out; undefined: there is none of
   * that. A mark tells one piece from any other.
   */
  withoutReasoning(
    request: ReplayableRequest,
    isLeftOut: (mark: string) => boolean,
  ): ReplayableRequest | undefined
  /** What an answer means for the account that gave it. */
  judge(answer: Answer): Verdict
  /** What one event of a streamed 2xx answer means; `judge` says more of an error. */
  readEvent(event: StreamEvent): EventMeaning
  /** Usage of each window, read from the headers of any answer, 2xx included. */
  readUsage(answer: Answer): readonly Usage[]
  /** How to ask how much of an account is used. */
  askUsage(credential: Credential, endpoints: Endpoints): UsageQuestion
  /** What its answer says, parsed JSON; undefined when it says nothing that we know. */
  readUsageReport(body: unknown, clock: AnswerClock): UsageReport | undefined
  refresh(request: RefreshRequest): Promise<RefreshAnswer>
  /** How a person signs in. */
  readonly login: ProviderLogin
  /** An error body in the provider's own shape, for answers that we make ourselves. */
  errorBody(error: { readonly type: string; readonly message: string }): string
}
