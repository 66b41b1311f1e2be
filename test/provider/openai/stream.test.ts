import { describe, expect, it } from 'vitest'
import { judge } from '../../../src/provider/openai/judge.ts'
import { readUsage } from '../../../src/provider/openai/limits.ts'
import { readEvent } from '../../../src/provider/openai/stream.ts'
import { answer, NOW } from '../answer.ts'

const added = (item: object) => ({ type: 'response.output_item.added', output_index: 0, item })
const failed = (error: object | null) => ({ type: 'response.failed', response: { error } })

describe('an event of a streamed answer', () => {
  it.each([
    ['response.created', { type: 'response.created', response: {} }],
    ['response.in_progress', { type: 'response.in_progress', response: {} }],
    ['response.queued', { type: 'response.queued', response: {} }],
    ['an empty message', added({ type: 'message', content: [] })],
    ['an empty thought', added({ type: 'reasoning', summary: [], encrypted_content: 'x' })],
  ])('shows nothing: %s', (_, event) => {
    expect(meaning(event)).toEqual({ kind: 'silent' })
  })

  it.each([
    ['a message with a part', added({ type: 'message', content: [{ type: 'output_text' }] })],
    ['a thought with a summary', added({ type: 'reasoning', summary: [{ text: 'Hm' }] })],
    ['a call of a tool', added({ type: 'function_call', name: 'bash', arguments: '' })],
    ['an item that cannot be read', { type: 'response.output_item.added' }],
    ['text', { type: 'response.output_text.delta', delta: 'Hi' }],
    ['a thought', { type: 'response.reasoning_summary_text.delta', delta: 'Hm' }],
    ['a response event that we do not know', { type: 'response.sung' }],
    ['a chunk of a chat completion', { object: 'chat.completion.chunk', choices: [] }],
  ])('is content: %s', (_, event) => {
    expect(meaning(event)).toEqual({ kind: 'content' })
  })

  it.each([
    ['response.completed', { type: 'response.completed', response: {} }],
    ['response.incomplete', { type: 'response.incomplete', response: {} }],
  ])('ends the answer: %s', (_, event) => {
    expect(meaning(event)).toEqual({ kind: 'end' })
  })

  it('ends the answer: [DONE]', () => {
    expect(readEvent({ name: undefined, data: '[DONE]' })).toEqual({ kind: 'end' })
  })

  it.each([
    ['another type', '{"type":"codex.greeting"}'],
    ['no type', '{"choices":[]}'],
    ['no JSON', 'content'],
    ['no object', '["response.completed"]'],
    ['nothing', ''],
  ])('is unknown: %s', (_, data) => {
    expect(readEvent({ name: undefined, data })).toEqual({ kind: 'unknown' })
  })
})

describe('the limits event', () => {
  it('names its windows by their length, wherever they stand', () => {
    const weekly = { used_percent: 42.5, window_minutes: 10_080, reset_after_seconds: 60 }
    const session = { used_percent: 7, window_minutes: 300, reset_at: NOW / 1_000 + 120 }
    expect(usage({ primary: weekly, secondary: session })).toEqual([
      { window: 'weekly', usedPercent: 42.5, resetsAt: NOW + 60_000 },
      { window: 'session', usedPercent: 7, resetsAt: NOW + 120_000 },
    ])
  })

  it('tolerates windows that are off, missing or unreadable', () => {
    const off = { used_percent: 0, window_minutes: 0 }
    const text = { used_percent: '12', window_minutes: '300', reset_at: null }
    expect(usage({ primary: off, secondary: null })).toEqual([])
    expect(usage({ primary: 'soon' })).toEqual([])
    expect(usage({ primary: text })).toEqual([
      { window: 'session', usedPercent: 12, resetsAt: null },
    ])
    expect(usage(undefined)).toEqual([])
    expect(usage({ primary: { used_percent: 'ü\n', window_minutes: {} } })).toEqual([])
  })
})

describe('an error in a streamed answer means what the refusal means', () => {
  it.each([
    [
      'rate_limit_exceeded',
      'Please try again in 1.5s.',
      429,
      { kind: 'burst', retryAfterMs: 1_500 },
    ],
    ['rate_limit_exceeded', 'Try again in 250ms.', 429, { kind: 'burst', retryAfterMs: 250 }],
    ['rate_limit_exceeded', 'Try again in 6m0s.', 429, { kind: 'limited' }],
    ['rate_limit_exceeded', 'Slow.', 429, { kind: 'burst', retryAfterMs: undefined }],
    ['usage_limit_reached', 'Used up.', 429, { kind: 'burst', usedUp: true }],
    ['insufficient_quota', 'No money.', 429, { kind: 'refused', reason: 'billing' }],
    ['usage_not_included', 'Not in your plan.', 429, { kind: 'refused', reason: 'billing' }],
    ['context_length_exceeded', 'Too long.', 400, { kind: 'request' }],
    ['invalid_prompt', 'Not that.', 400, { kind: 'request' }],
    ['image_too_large', 'Too large.', 400, { kind: 'request' }],
    ['server_is_overloaded', 'Busy.', 503, { kind: 'overloaded' }],
    ['slow_down', 'Busy.', 503, { kind: 'overloaded' }],
    ['server_error', 'Oops.', 500, { kind: 'overloaded' }],
    ['token_expired', 'Expired.', 401, { kind: 'unauthorized' }],
    ['token_invalidated', 'Gone.', 401, { kind: 'unauthorized' }],
    ['deactivated_workspace', 'Gone.', 401, { kind: 'refused', reason: 'revoked' }],
    ['error_of_tomorrow', 'What?', 500, { kind: 'overloaded' }],
  ])('%s (%s)', (code, message, status, verdict) => {
    const error = { code, message }
    const body = JSON.stringify({ error })
    expect(meaning(failed(error))).toEqual({ kind: 'error', status, body })
    expect(judge(answer(status, { body }))).toMatchObject(verdict)
    expect(meaning({ type: 'error', error })).toEqual({ kind: 'error', status, body })
    expect(meaning({ type: 'error', ...error })).toEqual({ kind: 'error', status, body })
  })

  it('stands alone in a chat completion', () => {
    const data = '{"error":{"code":"slow_down","message":"Busy."}}'
    expect(readEvent({ name: undefined, data })).toEqual({ kind: 'error', status: 503, body: data })
  })

  it.each(['', 'null', '{"response":7}', '[]', JSON.stringify(failed(null))])(
    'blames nobody when it says %j',
    (data) => {
      const event = readEvent({ name: 'response.failed', data })
      expect(event).toMatchObject({ kind: 'error', status: 500 })
    },
  )
})

/** What an event means; the same with its name before it as without. */
function meaning(event: object) {
  const data = JSON.stringify(event)
  const unnamed = readEvent({ name: undefined, data })
  const name = 'type' in event ? String(event.type) : undefined
  expect(readEvent({ name, data })).toEqual(unnamed)
  return unnamed
}

function usage(rate_limits: unknown) {
  const event = meaning({ type: 'codex.rate_limits', rate_limits })
  const limits = event.kind === 'silent' ? event.limits : undefined
  return limits === undefined ? undefined : readUsage({ ...answer(200), headers: limits })
}
