import { isRecord, parseJson } from '../json.ts'
import type { EventMeaning, StreamEvent } from '../provider.ts'
import { limitHeaders } from './limits-event.ts'

const SILENT = { kind: 'silent' } as const
const CONTENT = { kind: 'content' } as const
const UNKNOWN = { kind: 'unknown' } as const
const END = { kind: 'end' } as const

/** The status that each error has when it comes before the stream. */
const STATUS: ReadonlyMap<unknown, number> = new Map([
  ['context_length_exceeded', 400],
  ['token_expired', 401],
  ['token_invalidated', 401],
  ['deactivated_workspace', 401],
  ['rate_limit_exceeded', 429],
  ['insufficient_quota', 429],
  ['usage_limit_reached', 429],
  ['usage_not_included', 429],
  ['server_error', 500],
  ['server_is_overloaded', 503],
  ['slow_down', 503],
])
/** Codes and types of a request that no account can serve (`invalid_prompt`, `image_too_large` …). */
const REQUEST_CODE = /^(?:invalid|unsupported|image|empty_image|failed_to_download_image)_/
/** An error that we do not know blames nobody. */
const UNKNOWN_ERROR_STATUS = 500

/** What an event of OpenAI's stream means. One row of `docs/providers.md` each. */
export function readEvent(event: StreamEvent): EventMeaning {
  const { name, data } = event
  if (data === '[DONE]') return END
  // Nearly every event says its type in its name, and is not parsed.
  const type = name ?? typeOf(data)
  switch (type) {
    case 'response.created':
    case 'response.in_progress':
    case 'response.queued':
      return SILENT
    case 'codex.rate_limits':
      return { kind: 'silent', limits: limitHeaders(data) }
    case 'response.output_item.added':
      return isEmptyItem(data) ? SILENT : CONTENT
    case 'response.completed':
    case 'response.incomplete':
      return END
    case 'response.failed':
    case 'error':
      return readError(data)
    case 'chat.completion.chunk':
      return CONTENT
    default:
      return typeof type === 'string' && type.startsWith('response.') ? CONTENT : UNKNOWN
  }
}

/** Chat completions have no `type`: their chunks name themselves, their errors stand alone. */
function typeOf(json: string): unknown {
  const body = parseJson(json)
  if (!isRecord(body)) return undefined
  return body['type'] ?? (isRecord(body['error']) ? 'error' : body['object'])
}

/** A tool's item shows the tool's name at once; a message or a thought is empty at first. */
function isEmptyItem(json: string): boolean {
  const body = parseJson(json)
  const item = isRecord(body) ? body['item'] : undefined
  if (!isRecord(item)) return false
  const { type, content, summary } = item
  return (type === 'message' || type === 'reasoning') && isEmpty(content) && isEmpty(summary)
}

function isEmpty(parts: unknown): boolean {
  return parts === undefined || parts === null || (Array.isArray(parts) && parts.length === 0)
}

/** `response.failed` has its error in the response, `error` has it inside or is it. */
function readError(json: string): EventMeaning {
  const body = parseJson(json)
  const failed = isRecord(body) ? body : {}
  const response = isRecord(failed['response']) ? failed['response'] : failed
  const { code, message, param } = failed
  const error = isRecord(response['error']) ? response['error'] : { code, message, param }
  return { kind: 'error', status: statusOf(error), body: JSON.stringify({ error }) }
}

function statusOf(error: Record<string, unknown>): number {
  const words = [error['code'], error['type']]
  const known = words.map((word) => STATUS.get(word)).find((status) => status !== undefined)
  if (known !== undefined) return known
  const isRequest = words.some((word) => typeof word === 'string' && REQUEST_CODE.test(word))
  return isRequest ? 400 : UNKNOWN_ERROR_STATUS
}
