import { randomBytes } from 'node:crypto'
import type { Reaction, StreamError } from './behaviors.ts'
import { type Headers, type ModelExchange, jsonAnswer, piecesOf, sse } from './dialect.ts'
import type { HttpAnswer } from './http.ts'
import type { Json } from './json.ts'
import { hasForeignThought, thoughtOf, wholeThought } from './openai-thoughts.ts'

type Event = Json & { readonly type: string }

const STREAM_HEADERS: Headers = { 'content-type': 'text/event-stream; charset=utf-8' }
const USAGE = {
  input_tokens: 25,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 34,
}

/** A reaction as OpenAI's Responses API words it. */
export function react(reaction: Reaction, exchange: ModelExchange): HttpAnswer {
  if (hasForeignThought(exchange.turn.bodyText, exchange.account.name)) return foreignThought()
  switch (reaction.kind) {
    case 'text': {
      const { text, betweenChunksMs } = reaction
      return answer(textItem(text), exchange, { betweenChunksMs, hasThought: reaction.hasThought })
    }
    case 'tool':
      return answer(toolItem(reaction.name, reaction.input), exchange)
    case 'limited':
      return limited(reaction.until, exchange)
    case 'burst':
      return burst(reaction.retryAfterSeconds)
    case 'unauthorized':
      return unauthorized()
    case 'revoked':
      return error(401, 'deactivated_workspace', 'This workspace has been deactivated.')
    case 'overloaded':
      return error(503, 'server_is_overloaded', 'Our servers are currently overloaded.')
    case 'streamError':
      return {
        ...opened(reaction.text, exchange, [failure(reaction.error, newResponse(exchange))]),
        ...(reaction.stays ? { ends: 'never' } : {}),
      }
    case 'cut':
      if (reaction.text === undefined) return { kind: 'cut' }
      return { ...opened(reaction.text, exchange), ends: 'cut' }
    case 'stall':
      return { ...opened(reaction.text, exchange), ends: 'never' }
    case 'unfinished':
      return opened(reaction.text, exchange)
    case 'silence':
      return { kind: 'silence' }
    case 'raw': {
      const { status, headers, body, ends } = reaction
      return { kind: 'answer', status, headers, chunks: [body], ...(ends && { ends }) }
    }
  }
}

function foreignThought(): HttpAnswer {
  const reason = 'Reason: Encrypted content organization_id did not match the target organization.'
  const message = `The encrypted content gAAA... could not be verified. ${reason}`
  return error(400, 'invalid_encrypted_content', message)
}

export function unauthorized(): HttpAnswer {
  return error(401, 'token_expired', 'Provided authentication token is expired.')
}

export function error(
  status: number,
  code: string,
  message: string,
  headers: Headers = {},
): HttpAnswer {
  const type = status === 429 ? 'rate_limit_error' : 'invalid_request_error'
  const body = {
    error: { message, type: status >= 500 ? 'server_error' : type, code, param: null },
  }
  return jsonAnswer(status, body, { 'x-request-id': newId('req_'), ...headers })
}

function limited(until: number, { account }: ModelExchange): HttpAnswer {
  // The headers say until when.
  if (account.apiKey !== undefined) return burst(undefined)
  const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1_000))
  return jsonAnswer(
    429,
    {
      error: {
        type: 'usage_limit_reached',
        message: 'The usage limit has been reached',
        plan_type: account.planTier,
        resets_at: Math.ceil(until / 1_000),
        resets_in_seconds: seconds,
      },
    },
    { 'x-request-id': newId('req_') },
  )
}

function burst(seconds: number | undefined): HttpAnswer {
  if (seconds === undefined) return error(429, 'rate_limit_exceeded', 'Rate limit reached.')
  const message = `Rate limit reached. Please try again in ${seconds}s.`
  return error(429, 'rate_limit_exceeded', message, { 'retry-after': String(seconds) })
}

interface Manner {
  readonly betweenChunksMs?: number | undefined
  readonly hasThought?: true | undefined
}

function answer(
  item: Item,
  exchange: ModelExchange,
  { betweenChunksMs = 0, hasThought }: Manner = {},
): HttpAnswer {
  const response = newResponse(exchange)
  const thoughts = hasThought ? [thoughtOf(exchange.account.name)] : []
  const output = [...thoughts, item]
  const completed = { ...response, status: 'completed', output, usage: USAGE }
  if (!exchange.isStream) return jsonAnswer(200, completed, { 'x-request-id': newId('req_') })
  return {
    ...stream([
      ...opening(response),
      ...thoughts.flatMap(wholeThought),
      ...(item.type === 'message' ? wholeText(item) : wholeTool(item)),
      { type: 'response.completed', response: completed },
    ]),
    betweenChunksMs,
  }
}

type Item = TextItem | ToolItem
type TextItem = Json & {
  readonly type: 'message'
  readonly id: string
  readonly content: readonly [Json & { readonly text: string }]
}
type ToolItem = Json & {
  readonly type: 'function_call'
  readonly id: string
  readonly arguments: string
}

function textItem(text: string): TextItem {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }] as const
  return { type: 'message', id: newId('msg_'), role: 'assistant', status: 'completed', content }
}

function toolItem(name: string, input: Json): ToolItem {
  return {
    type: 'function_call',
    id: newId('fc_'),
    call_id: newId('call_'),
    name,
    arguments: JSON.stringify(input),
    status: 'completed',
  }
}

function opening(response: Json): readonly Event[] {
  return [
    { type: 'response.created', response },
    { type: 'response.in_progress', response },
  ]
}

/** A stream that has begun, and says `text` if that is not empty. */
function opened(text: string, exchange: ModelExchange, more: readonly Event[] = []) {
  const content = text === '' ? [] : openText(textItem(text))
  return stream([...opening(newResponse(exchange)), ...content, ...more])
}

function openText(item: TextItem): readonly Event[] {
  const [part] = item.content
  const place = { item_id: item.id, output_index: 0, content_index: 0 }
  return [
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...piecesOf(part.text).map((delta) => ({
      type: 'response.output_text.delta',
      ...place,
      delta,
    })),
  ]
}

function wholeText(item: TextItem): readonly Event[] {
  const [part] = item.content
  const place = { item_id: item.id, output_index: 0, content_index: 0 }
  return [
    ...openText(item),
    { type: 'response.output_text.done', ...place, text: part.text },
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item },
  ]
}

function wholeTool(item: ToolItem): readonly Event[] {
  const place = { item_id: item.id, output_index: 0 }
  return [
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item, status: 'in_progress', arguments: '' },
    },
    ...piecesOf(item.arguments).map((delta) => ({
      type: 'response.function_call_arguments.delta',
      ...place,
      delta,
    })),
    { type: 'response.function_call_arguments.done', ...place, arguments: item.arguments },
    { type: 'response.output_item.done', output_index: 0, item },
  ]
}

function failure(kind: StreamError, response: Json): Event {
  const errors = {
    overloaded: { code: 'server_is_overloaded', message: 'Our servers are overloaded.' },
    limited: { code: 'rate_limit_exceeded', message: 'Rate limit reached. Try again in 1.5s.' },
    api: { code: 'server_error', message: 'An error occurred.' },
    unauthorized: { code: 'token_expired', message: 'The token is expired.' },
    revoked: { code: 'deactivated_workspace', message: 'This workspace has been deactivated.' },
    request: { code: 'context_length_exceeded', message: 'The input is too long.' },
  }
  return {
    type: 'response.failed',
    response: { ...response, status: 'failed', error: errors[kind] },
  }
}

function newResponse({ turn }: ModelExchange): Json {
  return {
    id: newId('resp_'),
    object: 'response',
    created_at: Math.floor(Date.now() / 1_000),
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    model: turn.model,
    output: [],
    parallel_tool_calls: true,
    store: false,
    usage: null,
  }
}

function stream(events: readonly Event[]): HttpAnswer & { readonly kind: 'answer' } {
  const headers = { ...STREAM_HEADERS, 'x-request-id': newId('req_') }
  const chunks = events.map((event, sequence) => sse({ ...event, sequence_number: sequence }))
  return { kind: 'answer', status: 200, headers, chunks }
}

function newId(prefix: string): string {
  return prefix + randomBytes(16).toString('hex')
}
