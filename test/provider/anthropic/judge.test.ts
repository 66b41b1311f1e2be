import { describe, expect, it } from 'vitest'
import { family } from '../../../src/provider/anthropic/family.ts'
import { judge } from '../../../src/provider/anthropic/judge.ts'
import { DAY, HOUR, NOW, answer, secondsIn } from '../answer.ts'

const PREFIX = 'anthropic-ratelimit-unified-'
const OBSERVED = { source: 'header', observedAt: NOW - 1_000 } as const

describe('what a refusal of Anthropic means', () => {
  it('benches the account until the reset of a rejected 5h window', () => {
    expect(judge(limited({ '5h-status': 'rejected', '5h-reset': secondsIn(HOUR) }))).toEqual({
      kind: 'limited',
      limits: [{ scope: 'account', window: 'session', until: NOW + HOUR, ...OBSERVED }],
    })
  })

  it('keeps a record for each rejected window, so that the latest reset binds', () => {
    const verdict = judge(
      limited({
        '5h-status': 'rejected',
        '5h-reset': secondsIn(HOUR),
        '7d-status': 'rejected',
        '7d-reset': secondsIn(3 * DAY),
      }),
    )
    expect(verdict).toMatchObject({
      kind: 'limited',
      limits: [
        { window: 'session', until: NOW + HOUR },
        { window: 'weekly', until: NOW + 3 * DAY },
      ],
    })
  })

  it('takes the reset of the rejected window, not that of one which is allowed', () => {
    const verdict = judge(
      limited({
        status: 'rejected',
        reset: secondsIn(HOUR),
        '5h-status': 'allowed',
        '5h-reset': secondsIn(HOUR),
        '7d-status': 'rejected',
        '7d-reset': secondsIn(2 * DAY),
      }),
    )
    expect(verdict).toMatchObject({
      limits: [{ scope: 'account', window: 'weekly', until: NOW + 2 * DAY }],
    })
  })

  it('believes the aggregate where no window has a status', () => {
    const verdict = judge(
      limited({
        status: 'rejected',
        reset: secondsIn(DAY),
        'representative-claim': 'seven_day',
      }),
    )
    expect(verdict).toMatchObject({
      limits: [{ scope: 'account', window: 'weekly', until: NOW + DAY }],
    })
  })

  it('benches the account for an aggregate refusal that names no window it knows', () => {
    expect(judge(limited({ status: 'rejected', reset: secondsIn(HOUR) }))).toMatchObject({
      limits: [{ scope: 'account', window: 'unified', until: NOW + HOUR }],
    })
  })

  it('takes a full window for the reason where no status is given at all', () => {
    const verdict = judge(limited({ '5h-utilization': '1.02', '5h-reset': secondsIn(HOUR) }))
    expect(verdict).toMatchObject({ limits: [{ window: 'session', until: NOW + HOUR }] })
  })

  it.each([
    ['7d_sonnet', 'claude-sonnet-4-5', 'sonnet'],
    ['7d_opus', 'claude-opus-4-5', 'opus'],
    ['7d_oi', 'claude-opus-4-5', 'opus'],
    ['7d_oi', 'claude-fable-5', 'fable'],
  ])('benches only the family when only %s refused a request for %s', (window, model, name) => {
    const verdict = judge(
      limited(
        {
          status: 'rejected',
          '5h-status': 'allowed',
          '7d-status': 'allowed_warning',
          [`${window}-status`]: 'rejected',
          [`${window}-reset`]: secondsIn(2 * DAY),
        },
        { model },
      ),
    )
    expect(verdict).toMatchObject({
      kind: 'limited',
      limits: [{ scope: { family: name }, until: NOW + 2 * DAY }],
    })
  })

  it('benches only the family when the aggregate claims a weekly limit of that family', () => {
    const verdict = judge(
      limited({
        status: 'rejected',
        reset: secondsIn(DAY),
        'representative-claim': 'seven_day_opus',
      }),
    )
    expect(verdict).toMatchObject({
      limits: [{ scope: { family: 'opus' }, window: 'weekly:opus', until: NOW + DAY }],
    })
  })

  it('lets 7d_oi of an unknown model bench nobody else', () => {
    const verdict = judge(limited({ '7d_oi-status': 'rejected', '7d_oi-reset': secondsIn(DAY) }))
    expect(verdict).toMatchObject({ limits: [{ scope: { family: 'oi' }, window: 'weekly:oi' }] })
  })

  it('does not explain a refused opus request by the limit of sonnet', () => {
    const headers = { '7d_sonnet-status': 'rejected', '7d_sonnet-reset': secondsIn(DAY) }
    expect(judge(limited(headers, { model: 'claude-opus-4-5' })).kind).toBe('burst')
  })

  it.each(['0', '1', '5'])('waits out a retry-after of %s s on the same account', (seconds) => {
    expect(judge(answer(429, { headers: { 'retry-after': seconds } }))).toEqual({
      kind: 'burst',
      retryAfterMs: Number(seconds) * 1_000,
    })
  })

  it('benches until a longer retry-after when no window refused', () => {
    expect(judge(answer(429, { headers: { 'retry-after': '3600' } }))).toEqual({
      kind: 'limited',
      limits: [{ scope: 'account', window: 'retry-after', until: NOW + HOUR, ...OBSERVED }],
    })
  })

  it('benches for seven days at most on a retry-after alone', () => {
    expect(judge(answer(429, { headers: { 'retry-after': '2592000' } }))).toMatchObject({
      limits: [{ until: NOW + 7 * DAY }],
    })
  })

  it('prefers a rejected window to a retry-after', () => {
    const verdict = judge(
      limited({ '5h-status': 'rejected', '5h-reset': secondsIn(HOUR) }, {}, { 'retry-after': '2' }),
    )
    expect(verdict).toMatchObject({ limits: [{ window: 'session', until: NOW + HOUR }] })
  })

  it('takes the retry-after for a rejected window without a reset', () => {
    const verdict = judge(limited({ '5h-status': 'rejected' }, {}, { 'retry-after': '600' }))
    expect(verdict).toMatchObject({ limits: [{ window: 'session', until: NOW + 600_000 }] })
  })

  it('names no time for a 429 that says nothing', () => {
    expect(judge(answer(429))).toEqual({ kind: 'burst', retryAfterMs: undefined })
    const body = errorBody('rate_limit_error', 'Error')
    expect(judge(answer(429, { body }))).toEqual({ kind: 'burst', retryAfterMs: undefined })
  })

  it.each(['blocked', 'queueing_hard', 'payment_required', 'Überraschung', ''])(
    'takes the status %j for no evidence',
    (status) => {
      const headers = { '5h-status': encodeURI(status), '5h-reset': secondsIn(HOUR) }
      expect(judge(limited(headers)).kind).toBe('burst')
    },
  )

  it('ignores windows that are not limits', () => {
    const verdict = judge(
      limited({
        'overage-status': 'rejected',
        'overage-reset': secondsIn(DAY),
        'grace-5h-status': 'rejected',
        'grace-5h-reset': secondsIn(DAY),
      }),
    )
    expect(verdict.kind).toBe('burst')
  })

  it.each([
    'Extra usage is required for long context requests.',
    'Usage credits are required for long context requests.',
    'Usage credits are required for fast mode.',
  ])('hands "%s" to the host, whatever the headers say', (message) => {
    const headers = { '5h-status': 'rejected', '5h-reset': secondsIn(HOUR) }
    const body = errorBody('rate_limit_error', message)
    expect(judge(limited(headers, { body }))).toEqual({ kind: 'request' })
  })

  it('takes out_of_credits for a billing state, without a reset', () => {
    const body = errorBody('rate_limit_error', 'You are out of credits.')
    const verdict = judge(limited({ 'overage-disabled-reason': 'out_of_credits' }, { body }))
    expect(verdict).toEqual({
      kind: 'refused',
      reason: 'billing',
      detail: 'You are out of credits.',
    })
  })

  it('takes out_of_credits with status rejected for a billing state, 429 or not', () => {
    const headers = { status: 'rejected', 'overage-disabled-reason': 'out_of_credits' }
    expect(judge(limited(headers))).toMatchObject({ reason: 'billing' })
    expect(judge({ ...limited(headers), status: 400 })).toMatchObject({ reason: 'billing' })
  })

  it('keeps a time-based limit where the account is out of extra credits as well', () => {
    const verdict = judge(
      limited({
        status: 'rejected',
        '5h-status': 'rejected',
        '5h-reset': secondsIn(HOUR),
        'overage-disabled-reason': 'out_of_credits',
      }),
    )
    expect(verdict).toMatchObject({ kind: 'limited', limits: [{ window: 'session' }] })
  })

  it('takes a burst for a burst while the account itself is allowed', () => {
    const headers = { status: 'allowed', 'overage-disabled-reason': 'out_of_credits' }
    expect(judge(limited(headers)).kind).toBe('burst')
  })

  it('lets a 200 be a 200, whatever its headers say', () => {
    const headers = {
      status: 'allowed',
      'overage-status': 'rejected',
      'overage-disabled-reason': 'out_of_credits',
      '5h-status': 'rejected',
      '5h-reset': secondsIn(HOUR),
    }
    expect(judge({ ...limited(headers), status: 200, body: undefined })).toEqual({ kind: 'ok' })
  })

  it('takes a 401 for a refused token', () => {
    const body = errorBody('authentication_error', 'invalid bearer token')
    expect(judge(answer(401, { body }))).toEqual({ kind: 'unauthorized' })
  })

  it('takes a JSON 403 that says revoked for a revoked account', () => {
    const body = errorBody('permission_error', 'OAuth token has been revoked.\u202e Please log in.')
    expect(judge(answer(403, { body }))).toEqual({
      kind: 'refused',
      reason: 'revoked',
      detail: 'OAuth token has been revoked. Please log in.',
    })
  })

  it.each([
    ['an HTML page', '<html>Access revoked by the proxy</html>'],
    ['an empty body', ''],
    ['another type', JSON.stringify(errorBody('proxy_error', 'access revoked'))],
    ['another message', JSON.stringify(errorBody('permission_error', 'not for this model'))],
    ['the word elsewhere', '{"error":{"type":"permission_error"},"note":"revoked"}'],
  ])('hands a 403 with %s to the host', (_, body) => {
    expect(judge(answer(403, { body }))).toEqual({ kind: 'request' })
  })

  it('takes an organization that does not allow OAuth for that, and not for a revoke', () => {
    const message = 'OAuth authentication is currently not allowed for this organization.'
    expect(judge(answer(403, { body: errorBody('permission_error', message) }))).toEqual({
      kind: 'refused',
      reason: 'organization',
      detail: message,
    })
  })

  it('takes an organization that was disabled for that, although it comes as a 400', () => {
    const message = 'This organization has been disabled.'
    const refused = { kind: 'refused', reason: 'organization', detail: message }
    const body = errorBody('invalid_request_error', message)
    expect(judge(answer(400, { body }))).toEqual(refused)
    const other = errorBody('invalid_request_error', 'messages: the text "has been disabled"')
    expect(judge(answer(400, { body: other }))).toEqual({ kind: 'request' })
  })

  it.each([500, 502, 503, 504, 529])('blames the provider for a %i', (status) => {
    const headers = { 'retry-after': '3' }
    expect(judge(answer(status, { headers }))).toEqual({ kind: 'overloaded', retryAfterMs: 3_000 })
    expect(judge(answer(status))).toEqual({ kind: 'overloaded', retryAfterMs: undefined })
  })

  it.each([400, 404, 413, 422, 302, 418, 501])('blames the request for a %i', (status) => {
    expect(judge(answer(status))).toEqual({ kind: 'request' })
  })
})

describe('the time of a reset', () => {
  it('is corrected by the skew of the server', () => {
    const told = limited({ '5h-status': 'rejected', '5h-reset': secondsIn(HOUR) })
    expect(judge({ ...told, skewMs: 60_000 })).toMatchObject({
      limits: [{ until: NOW + HOUR - 60_000 }],
    })
    expect(judge({ ...told, skewMs: -60_000 })).toMatchObject({
      limits: [{ until: NOW + HOUR + 60_000 }],
    })
  })

  it('means now when it is in the past', () => {
    const verdict = judge(limited({ '5h-status': 'rejected', '5h-reset': secondsIn(-HOUR) }))
    expect(verdict).toMatchObject({ limits: [{ until: NOW }] })
  })

  it.each(['0', 'NaN', '-1', 'null', '99999999999999', secondsIn(90 * DAY)])(
    'is no evidence when it is %j',
    (reset) => {
      const verdict = judge(limited({ '5h-status': 'rejected', '5h-reset': reset }))
      expect(verdict).toEqual({ kind: 'burst', retryAfterMs: undefined })
    },
  )
})

describe('the family of a Claude model', () => {
  it.each([
    ['claude-opus-4-5', 'opus'],
    ['claude-opus-4-1-20250805', 'opus'],
    ['claude-sonnet-4-5', 'sonnet'],
    ['claude-3-5-sonnet-20241022', 'sonnet'],
    ['claude-3.5-haiku', 'haiku'],
    ['us.anthropic.claude-haiku-4-5-v1:0', 'haiku'],
    ['anthropic/Claude-Opus-4-5[1m]', 'opus'],
    ['claude-2.1', undefined],
    ['claude-v2', undefined],
    ['gpt-5', undefined],
    ['', undefined],
  ])('of %s is %s', (model, name) => {
    expect(family(model)).toBe(name)
  })
})

/** A 429 with these unified headers. */
function limited(
  unified: Record<string, string>,
  told: { model?: string; body?: unknown } = {},
  headers: Record<string, string> = {},
) {
  const named = Object.entries(unified).map(([name, value]) => [PREFIX + name, value])
  return answer(429, { ...told, headers: { ...headers, ...Object.fromEntries(named) } })
}

function errorBody(type: string, message: string) {
  return { type: 'error', error: { type, message }, request_id: 'req_1' }
}
