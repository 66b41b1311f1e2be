import { isRecord, parseJson } from '../json.ts'
import type { EventMeaning, StreamEvent } from '../provider.ts'

const SILENT = { kind: 'silent' } as const
const CONTENT = { kind: 'content' } as const
const UNKNOWN = { kind: 'unknown' } as const
const END = { kind: 'end' } as const

/** The status that each error has when it comes before the stream. */
const STATUS: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
])
/** An error that we do not know blames nobody. */
const UNKNOWN_ERROR_STATUS = 500

/** What an event of Anthropic's stream means. One row of `docs/providers.md` each. */
export function readEvent(event: StreamEvent): EventMeaning {
  // Nearly every event says its type in its name, and is not parsed.
  switch (event.name ?? typeOf(event.data)) {
    case 'message_start':
    case 'ping':
      return SILENT
    case 'content_block_start':
      return isEmptyBlock(event.data) ? SILENT : CONTENT
    case 'content_block_delta':
    case 'content_block_stop':
    case 'message_delta':
      return CONTENT
    case 'message_stop':
      return END
    case 'error':
      return readError(event.data)
    default:
      return UNKNOWN
  }
}

function typeOf(json: string): unknown {
  const body = parseJson(json)
  return isRecord(body) ? body['type'] : undefined
}

/** A tool's block shows the tool's name at once; a text or a thought is empty at first. */
function isEmptyBlock(json: string): boolean {
  const body = parseJson(json)
  const block = isRecord(body) ? body['content_block'] : undefined
  if (!isRecord(block)) return false
  const { type, text = '', thinking = '' } = block
  return (type === 'text' && text === '') || (type === 'thinking' && thinking === '')
}

/** The event's data is the body that a refusal would have. */
function readError(json: string): EventMeaning {
  const body = parseJson(json)
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : {}
  return { kind: 'error', status: STATUS.get(error['type']) ?? UNKNOWN_ERROR_STATUS, body: json }
}
