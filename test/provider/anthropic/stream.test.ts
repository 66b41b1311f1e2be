import { describe, expect, it } from 'vitest'
import { judge } from '../../../src/provider/anthropic/judge.ts'
import { readEvent } from '../../../src/provider/anthropic/stream.ts'
import { answer } from '../answer.ts'

const block = (content_block: object) => ({ type: 'content_block_start', index: 0, content_block })

describe('an event of a streamed answer', () => {
  it.each([
    ['the start of a message', { type: 'message_start', message: { content: [] } }],
    ['a ping', { type: 'ping' }],
    ['an empty text block', block({ type: 'text', text: '' })],
    ['an empty text block that names no text', block({ type: 'text' })],
    ['an empty thinking block', block({ type: 'thinking', thinking: '', signature: '' })],
  ])('shows nothing: %s', (_, event) => {
    expect(meaning(event)).toEqual({ kind: 'silent' })
  })

  it.each([
    ['a text block with text', block({ type: 'text', text: 'Hi' })],
    ['a thinking block with a thought', block({ type: 'thinking', thinking: 'Hm' })],
    ['a block that calls a tool', block({ type: 'tool_use', id: 't', name: 'bash', input: {} })],
    ['a block of a kind we do not know', block({ type: 'redacted_thinking', data: 'x' })],
    ['text', { type: 'content_block_delta', delta: { type: 'text_delta', text: 'Hi' } }],
    ['the end of a block', { type: 'content_block_stop', index: 0 }],
    ['the reason of the end', { type: 'message_delta', delta: { stop_reason: 'end_turn' } }],
  ])('is content: %s', (_, event) => {
    expect(meaning(event)).toEqual({ kind: 'content' })
  })

  it('ends the answer: message_stop', () => {
    expect(meaning({ type: 'message_stop' })).toEqual({ kind: 'end' })
  })

  it.each([
    ['another type', '{"type":"message_pause"}'],
    ['no type', '{"choices":[]}'],
    ['no JSON', 'content'],
    ['no object', '["message_stop"]'],
    ['nothing', ''],
  ])('is unknown: %s', (_, data) => {
    expect(readEvent({ name: undefined, data })).toEqual({ kind: 'unknown' })
  })

  it('is known by its name alone, or by its data where it has none', () => {
    expect(readEvent({ name: 'message_stop', data: '' })).toEqual({ kind: 'end' })
    const data = '{"delta":{"type":"message_stop"},"type":"content_block_delta"}'
    expect(readEvent({ name: undefined, data })).toEqual({ kind: 'content' })
  })
})

describe('an error in a streamed answer means what the refusal means', () => {
  it.each([
    ['overloaded_error', 'Overloaded', 529, 'overloaded'],
    ['api_error', 'Internal server error', 500, 'overloaded'],
    ['timeout_error', 'Request timeout', 504, 'overloaded'],
    ['rate_limit_error', 'This would exceed your limit', 429, 'burst'],
    ['rate_limit_error', 'Usage credits are required for fast mode', 429, 'request'],
    ['authentication_error', 'OAuth token has expired', 401, 'unauthorized'],
    ['permission_error', 'OAuth token has been revoked', 403, 'refused'],
    ['permission_error', 'Not for this model', 403, 'request'],
    ['billing_error', 'Pay first', 402, 'request'],
    ['invalid_request_error', 'prompt is too long', 400, 'request'],
    ['not_found_error', 'No such model', 404, 'request'],
    ['request_too_large', 'Too large', 413, 'request'],
    ['error_of_tomorrow', 'Something', 500, 'overloaded'],
  ])('%s (%s)', (type, message, status, kind) => {
    const error = { type: 'error', error: { type, message } }
    const said = meaning(error)
    expect(said).toEqual({ kind: 'error', status, body: JSON.stringify(error) })
    expect(judge(answer(status, { body: error })).kind).toBe(kind)
  })

  it.each(['', 'null', '{"error":"overloaded"}', '{"error":{"type":7}}', '[]'])(
    'blames nobody when it says %j',
    (data) => {
      expect(readEvent({ name: 'error', data })).toMatchObject({ kind: 'error', status: 500 })
    },
  )
})

function meaning(event: { readonly type: string }) {
  const named = readEvent({ name: event.type, data: JSON.stringify(event) })
  expect(readEvent({ name: undefined, data: JSON.stringify(event) })).toEqual(named)
  return named
}
