import { describe, expect, it } from 'vitest'
import { family } from '../../../src/provider/openai/family.ts'
import { judge } from '../../../src/provider/openai/judge.ts'
import { DAY, HOUR, NOW, answer, secondsIn } from '../answer.ts'

const OBSERVED = { observedAt: NOW - 1_000 }
const SPARK = 'gpt-5.3-codex-spark'

describe('what a refusal of OpenAI means', () => {
  it('benches the account until the time of the body', () => {
    expect(judge(usageLimit({ plan_type: 'plus', resets_in_seconds: 3_600 }))).toEqual({
      kind: 'limited',
      limits: [
        { scope: 'account', window: 'usage-limit', until: NOW + HOUR, source: 'body', ...OBSERVED },
      ],
    })
  })

  it('prefers resets_in_seconds, which knows no clock', () => {
    const told = usageLimit({ resets_in_seconds: 60, resets_at: (NOW + DAY) / 1_000 })
    expect(judge({ ...told, skewMs: 5_000 })).toMatchObject({ limits: [{ until: NOW + 60_000 }] })
  })

  it.each([
    ['epoch seconds', (NOW + HOUR) / 1_000],
    ['epoch ms', NOW + HOUR],
    ['ISO 8601', new Date(NOW + HOUR).toISOString()],
    ['seconds as text', secondsIn(HOUR)],
  ])('reads resets_at as %s, corrected by the skew', (_, resets_at) => {
    const told = { ...usageLimit({ resets_at }), skewMs: 60_000 }
    expect(judge(told)).toMatchObject({ limits: [{ until: NOW + HOUR - 60_000 }] })
  })

  it('takes a reset in the past for now', () => {
    expect(judge(usageLimit({ resets_at: (NOW - HOUR) / 1_000 }))).toMatchObject({
      limits: [{ until: NOW }],
    })
  })

  it.each([-5, 'soon', null, 1e18, 0])('takes a resets_at of %j for no evidence', (resets_at) => {
    expect(judge(usageLimit({ resets_at }))).toEqual({
      kind: 'burst',
      retryAfterMs: undefined,
      usedUp: true,
    })
  })

  it('names the used-up windows of the headers, whichever slot holds them', () => {
    const verdict = judge(
      usageLimit(
        { resets_in_seconds: 2 * 86_400 },
        {
          'x-codex-primary-used-percent': '100',
          'x-codex-primary-window-minutes': '10080',
          'x-codex-primary-reset-after-seconds': '172800',
          'x-codex-secondary-used-percent': '42',
          'x-codex-secondary-window-minutes': '300',
          'x-codex-secondary-reset-after-seconds': '600',
        },
      ),
    )
    expect(verdict).toEqual({
      kind: 'limited',
      limits: [
        {
          scope: 'account',
          window: 'weekly',
          until: NOW + 2 * DAY,
          source: 'header',
          ...OBSERVED,
        },
      ],
    })
  })

  it('keeps a record for each used-up window, and a later time of the body as well', () => {
    const verdict = judge(
      usageLimit(
        { resets_in_seconds: 5 * 86_400 },
        {
          'x-codex-primary-used-percent': '100',
          'x-codex-primary-window-minutes': '300',
          'x-codex-primary-reset-after-seconds': '3600',
          'x-codex-secondary-used-percent': '101.5',
          'x-codex-secondary-window-minutes': '10080',
          'x-codex-secondary-reset-at': secondsIn(3 * DAY),
        },
      ),
    )
    expect(verdict).toMatchObject({
      limits: [
        { window: 'session', until: NOW + HOUR },
        { window: 'weekly', until: NOW + 3 * DAY },
        { window: 'usage-limit', until: NOW + 5 * DAY },
      ],
    })
  })

  it('ignores a window that is off', () => {
    const verdict = judge(
      usageLimit(
        { resets_in_seconds: 60 },
        {
          'x-codex-secondary-used-percent': '100',
          'x-codex-secondary-window-minutes': '0',
          'x-codex-secondary-reset-after-seconds': '86400',
        },
      ),
    )
    expect(verdict).toMatchObject({ limits: [{ window: 'usage-limit', until: NOW + 60_000 }] })
  })

  it('benches only the family when the limit of one model is used up', () => {
    const headers = {
      'x-codex-active-limit': 'codex_bengalfox',
      'x-codex-primary-used-percent': '100',
      'x-codex-primary-window-minutes': '10080',
      'x-codex-primary-reset-after-seconds': '86400',
      'x-codex-bengalfox-primary-used-percent': '100',
      'x-codex-bengalfox-primary-window-minutes': '10080',
      'x-codex-bengalfox-primary-reset-after-seconds': '86400',
      'x-codex-bengalfox-limit-name': 'GPT-5.3-Codex-Spark',
    }
    const told = { ...usageLimit({ resets_in_seconds: 86_400 }, headers), model: SPARK }
    expect(judge(told)).toMatchObject({
      kind: 'limited',
      limits: [{ scope: { family: 'spark' }, window: 'weekly:spark', until: NOW + DAY }],
    })
  })

  it('benches the account when the active limit has no headers of its own', () => {
    const headers = { 'x-codex-active-limit': 'premium' }
    const told = { ...usageLimit({ resets_in_seconds: 60 }, headers), model: SPARK }
    expect(judge(told)).toMatchObject({ limits: [{ scope: 'account' }] })
  })

  it('knows usage_limit_reached under another status and as a code', () => {
    const body = { error: { code: 'usage_limit_reached', resets_in_seconds: 60 } }
    expect(judge(answer(404, { body })).kind).toBe('limited')
  })

  it.each([
    ['usage_not_included', 429, 'billing'],
    ['insufficient_quota', 429, 'billing'],
    ['deactivated_workspace', 402, 'revoked'],
    ['account_deactivated', 401, 'revoked'],
  ])('refuses the account for %s', (code, status, reason) => {
    const told = answer(status, { body: { error: { type: code, message: 'Sorry.' } } })
    expect(judge(told)).toEqual({ kind: 'refused', reason, detail: 'Sorry.' })
  })

  it('finds the code in detail as well', () => {
    const told = answer(402, { body: { detail: { code: 'deactivated_workspace' } } })
    expect(judge(told)).toEqual({
      kind: 'refused',
      reason: 'revoked',
      detail: 'deactivated_workspace',
    })
  })

  it.each(['token_expired', 'token_invalidated', 'odd'])('takes a 401 %s for the token', (code) => {
    expect(judge(answer(401, { body: { error: { code } } }))).toEqual({ kind: 'unauthorized' })
  })

  it.each([
    ['Please try again in 1.5s.', 1_500],
    ['Please try again in 250ms.', 250],
    ['try again in 5s', 5_000],
  ])('waits out "%s" on the same account', (message, retryAfterMs) => {
    const body = { error: { code: 'rate_limit_exceeded', message } }
    expect(judge(answer(429, { body }))).toEqual({ kind: 'burst', retryAfterMs })
  })

  it.each([
    ['Please try again in 6m0s.', 360_000],
    ['try again in 1h2m3.5s', 3_723_500],
    ['try again in 20s', 20_000],
  ])('benches until "%s"', (message, ms) => {
    const body = { error: { code: 'rate_limit_exceeded', message } }
    expect(judge(answer(429, { body }))).toMatchObject({
      kind: 'limited',
      limits: [{ scope: 'account', window: 'retry-after', until: NOW + ms, source: 'body' }],
    })
  })

  it('prefers the header to the message', () => {
    const body = { error: { code: 'rate_limit_exceeded', message: 'try again in 90s' } }
    const told = answer(429, { body, headers: { 'retry-after': '2' } })
    expect(judge(told)).toEqual({ kind: 'burst', retryAfterMs: 2_000 })
  })

  it.each(['try again in a while', 'try again in s', 'try again in 0s', ''])(
    'names no time for "%s"',
    (message) => {
      const body = { error: { code: 'rate_limit_exceeded', message } }
      expect(judge(answer(429, { body }))).toEqual({ kind: 'burst', retryAfterMs: undefined })
    },
  )

  it('takes a used-up window for the reason of a 429 that names none', () => {
    const headers = {
      'x-codex-primary-used-percent': '100',
      'x-codex-primary-window-minutes': '300',
      'x-codex-primary-reset-after-seconds': '600',
    }
    expect(judge(answer(429, { headers }))).toMatchObject({
      limits: [{ window: 'session', until: NOW + 600_000 }],
    })
  })

  it('blames the provider for its codes, whatever the status', () => {
    for (const code of ['server_is_overloaded', 'slow_down']) {
      const told = answer(429, { body: { error: { code } }, headers: { 'retry-after': '3' } })
      expect(judge(told)).toEqual({ kind: 'overloaded', retryAfterMs: 3_000 })
    }
  })

  it.each([500, 502, 503, 504, 529])('blames the provider for a %i', (status) => {
    expect(judge(answer(status))).toEqual({ kind: 'overloaded', retryAfterMs: undefined })
  })

  it.each([302, 400, 402, 403, 404, 413, 418, 422])('blames the request for a %i', (status) => {
    expect(judge(answer(status, { body: '<html>revoked</html>' }))).toEqual({ kind: 'request' })
  })

  it('blames the request for a context that is too long', () => {
    const body = { error: { type: 'invalid_request_error', code: 'context_length_exceeded' } }
    expect(judge(answer(400, { body }))).toEqual({ kind: 'request' })
    expect(judge(answer(429, { body }))).toEqual({ kind: 'request' })
  })

  it('lets a 200 be a 200, whatever its headers say', () => {
    const headers = {
      'x-codex-primary-used-percent': '100',
      'x-codex-primary-window-minutes': '300',
    }
    expect(judge(answer(200, { headers }))).toEqual({ kind: 'ok' })
  })
})

describe('the family of a GPT model', () => {
  it.each([
    [SPARK, 'spark'],
    ['GPT-5.3-Codex-Spark', 'spark'],
    ['gpt-5-mini', 'mini'],
    ['gpt-5.1-codex', undefined],
    ['gpt-5.2', undefined],
    ['', undefined],
  ])('of %s is %s', (model, name) => {
    expect(family(model)).toBe(name)
  })
})

function usageLimit(error: Record<string, unknown>, headers: Record<string, string> = {}) {
  const body = { error: { type: 'usage_limit_reached', message: 'used up', ...error } }
  return answer(429, { headers, body })
}
