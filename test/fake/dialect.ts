import type { Account } from './accounts.ts'
import type { Reaction, Turn } from './behaviors.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import type { Json } from './json.ts'
import type { Mint, TokenPair } from './ledger.ts'

export type Headers = Readonly<Record<string, string>>

/** What a request for the model asks, as far as a turn needs it. */
type Asked = Pick<Turn, 'model' | 'tools' | 'isAfterTool'>

/** The `endpoints` of the plugin's configuration. */
interface EndpointOverrides {
  readonly authorize: string
  readonly token: string
  readonly usage: string
  readonly profile: string
  readonly api: string
}

/** How one provider talks. The rest of a fake is the same for all. */
export interface Dialect {
  readonly id: 'anthropic' | 'openai'
  readonly defaultPlan: string
  readonly clientId: string
  readonly paths: {
    readonly model: readonly string[]
    readonly token: string
    readonly usage: string
    readonly profile: string
    readonly authorize: string
  }
  mint: (accountOf: (name: string) => Account) => Mint
  endpoints: (origin: string) => EndpointOverrides

  /** What is wrong with the headers; undefined = nothing. Judged before the token. */
  faultOfHeaders: (request: HttpRequest) => string | undefined
  /** What looks like an API key in a request; undefined when nothing does. */
  keyOf: (request: HttpRequest) => string | undefined
  /** What is wrong with the headers or the address of a request with a key. */
  faultOfKeyRequest: (request: HttpRequest) => string | undefined
  /** What is wrong with the rest. */
  faultOfRequest: (request: HttpRequest, account: Account) => string | undefined
  asked: (body: Json) => Asked

  /** On every answer for a known account, 200 too. */
  limitHeaders: (account: Account) => Headers
  /** The 401 for a bearer token that is not accepted. */
  unauthorized: () => HttpAnswer
  /** The 401 for an API key that is not accepted. */
  unknownKey: () => HttpAnswer
  badRequest: (message: string) => HttpAnswer
  notFound: () => HttpAnswer
  react: (reaction: Reaction, exchange: ModelExchange) => HttpAnswer
  usage: (account: Account) => Json
  profile: (account: Account) => Json

  /** What is wrong with the query of the authorize page, beyond what OAuth asks. */
  faultOfAuthorize: (query: URLSearchParams) => string | undefined
  /** The fields of a token request; a text says what is wrong with it. */
  tokenFields: (request: HttpRequest) => Headers | string
  tokenAnswer: (account: Account, tokens: TokenPair) => Json
  tokenError: (code: string, message: string) => Json
}

export interface ModelExchange {
  readonly account: Account
  readonly turn: Turn
  readonly isStream: boolean
}

export function jsonAnswer(status: number, body: Json, headers: Headers = {}): HttpAnswer {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    chunks: [JSON.stringify(body)],
  }
}

/** Pieces as a model would send them. */
export function piecesOf(text: string): readonly string[] {
  return text.match(/[\s\S]{1,12}/g) ?? []
}

/** One server-sent event, named as its `type`. */
export function sse(data: Json & { readonly type: string }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

/** `Bearer x` → `x`. */
export function bearerOf({ headers }: Pick<HttpRequest, 'headers'>): string {
  return headers['authorization']?.match(/^Bearer (\S+)$/)?.[1] ?? ''
}
