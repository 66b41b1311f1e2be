import { randomBytes } from 'node:crypto'
import { windowOf } from './accounts.ts'
import type { Reaction, StreamError } from './behaviors.ts'
import { type Headers, type ModelExchange, jsonAnswer, piecesOf, sse } from './dialect.ts'
import type { HttpAnswer } from './http.ts'
import type { Json } from './json.ts'

type Content =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: Json }

const STREAM_HEADERS: Headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
}
const USAGE = { input_tokens: 25, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }

/** A reaction as Anthropic's Messages API words it. */
export function react(reaction: Reaction, exchange: ModelExchange): HttpAnswer {
  switch (reaction.kind) {
    case 'text':
      return message({ type: 'text', text: reaction.text }, exchange, reaction.betweenChunksMs)
    case 'tool': {
      const { name, input } = reaction
      return message({ type: 'tool_use', id: newId('toolu_01'), name, input }, exchange)
    }
    case 'limited':
      return error(429, 'rate_limit_error', limitMessage(exchange), {
        'retry-after': String(Math.max(1, Math.ceil((reaction.until - Date.now()) / 1_000))),
      })
    case 'burst':
      return burst(reaction.retryAfterSeconds)
    case 'unauthorized':
      return unauthorized()
    case 'revoked':
      return error(403, 'permission_error', 'OAuth token has been revoked. Please log in again.')
    case 'overloaded':
      return error(529, 'overloaded_error', 'Overloaded')
    case 'streamError':
      return {
        ...opened(reaction.text, exchange, [streamError(reaction.error)]),
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

function burst(seconds: number | undefined): HttpAnswer {
  const headers: Headers = seconds === undefined ? {} : { 'retry-after': String(seconds) }
  return error(429, 'rate_limit_error', 'Number of requests has exceeded your rate limit.', headers)
}

export function unauthorized(): HttpAnswer {
  return error(401, 'authentication_error', 'OAuth token has expired. Please obtain a new token.')
}

export function error(
  status: number,
  type: string,
  text: string,
  headers: Headers = {},
): HttpAnswer {
  const requestId = newId('req_01')
  const body = { type: 'error', error: { type, message: text }, request_id: requestId }
  return jsonAnswer(status, body, { 'request-id': requestId, ...headers })
}

function message(content: Content, exchange: ModelExchange, betweenChunksMs = 0): HttpAnswer {
  const stopReason = content.type === 'text' ? 'end_turn' : 'tool_use'
  if (!exchange.isStream) {
    const full = emptyMessage(exchange)
    return jsonAnswer(
      200,
      {
        ...full,
        content: [content],
        stop_reason: stopReason,
        usage: { ...USAGE, output_tokens: 9 },
      },
      { 'request-id': newId('req_01') },
    )
  }
  const events = [
    messageStart(exchange),
    ...(content.type === 'text' ? openText(content.text) : openTool(content)),
    sse({ type: 'content_block_stop', index: 0 }),
    sse({
      type: 'message_delta',
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { ...USAGE, output_tokens: 9 },
    }),
    sse({ type: 'message_stop' }),
  ]
  return { ...stream(events), betweenChunksMs }
}

function stream(chunks: readonly string[]): HttpAnswer & { readonly kind: 'answer' } {
  const headers = { ...STREAM_HEADERS, 'request-id': newId('req_01') }
  return { kind: 'answer', status: 200, headers, chunks }
}

/** A stream that has begun, and says `text` if that is not empty. */
function opened(text: string, exchange: ModelExchange, more: readonly string[] = []) {
  return stream([messageStart(exchange), ...(text === '' ? [] : openText(text)), ...more])
}

function messageStart(exchange: ModelExchange): string {
  return sse({ type: 'message_start', message: emptyMessage(exchange) })
}

function emptyMessage({ turn }: ModelExchange): Json {
  return {
    id: newId('msg_01'),
    type: 'message',
    role: 'assistant',
    model: turn.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...USAGE, output_tokens: 1, service_tier: 'standard' },
  }
}

function openText(text: string): readonly string[] {
  return [
    sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    sse({ type: 'ping' }),
    ...piecesOf(text).map((piece) =>
      sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: piece } }),
    ),
  ]
}

function openTool(content: Content & { readonly type: 'tool_use' }): readonly string[] {
  return [
    sse({ type: 'content_block_start', index: 0, content_block: { ...content, input: {} } }),
    sse({ type: 'ping' }),
    ...['', ...piecesOf(JSON.stringify(content.input))].map((piece) =>
      sse({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json: piece },
      }),
    ),
  ]
}

function streamError(kind: StreamError): string {
  const errors = {
    overloaded: { type: 'overloaded_error', message: 'Overloaded' },
    limited: { type: 'rate_limit_error', message: 'This request would exceed your rate limit.' },
    api: { type: 'api_error', message: 'Internal server error' },
    unauthorized: { type: 'authentication_error', message: 'OAuth token has expired.' },
    revoked: { type: 'permission_error', message: 'OAuth token has been revoked.' },
    request: { type: 'invalid_request_error', message: 'prompt is too long' },
  }
  return sse({ type: 'error', error: errors[kind] })
}

function limitMessage({ account }: ModelExchange): string {
  const { percent } = windowOf(account, 'session')
  const which = percent >= 100 ? '5-hour' : 'weekly'
  return `This request would exceed your account's ${which} rate limit. Please try again later.`
}

function newId(prefix: string): string {
  return prefix + randomBytes(11).toString('hex')
}
