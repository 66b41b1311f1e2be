import { describe, expect, it } from 'vitest'
import { readUsage } from '../../../src/provider/openai/limits.ts'
import { DAY, HOUR, NOW, answer, secondsIn } from '../answer.ts'

describe('the usage in an answer of OpenAI', () => {
  it('is classified by the length of a window, not by its slot', () => {
    expect(
      usage({
        'x-codex-primary-used-percent': '12.5',
        'x-codex-primary-window-minutes': '10080',
        'x-codex-primary-reset-at': secondsIn(DAY),
        'x-codex-secondary-used-percent': '100',
        'x-codex-secondary-window-minutes': '300',
        'x-codex-secondary-reset-after-seconds': '3600',
        'x-codex-secondary-reset-at': secondsIn(9 * HOUR),
      }),
    ).toEqual([
      { window: 'weekly', usedPercent: 12.5, resetsAt: NOW + DAY },
      { window: 'session', usedPercent: 100, resetsAt: NOW + HOUR },
    ])
  })

  it.each([
    ['360', 'session'],
    ['8640', 'weekly'],
    ['43200', 'weekly'],
    ['1440', '24h'],
    [undefined, 'primary'],
  ])('calls a window of %s minutes %s', (minutes, window) => {
    const length = minutes === undefined ? {} : { 'x-codex-primary-window-minutes': minutes }
    expect(usage({ 'x-codex-primary-used-percent': '1', ...length })).toEqual([
      { window, usedPercent: 1, resetsAt: null },
    ])
  })

  it('has no window that is off', () => {
    expect(
      usage({ 'x-codex-primary-used-percent': '0', 'x-codex-primary-window-minutes': '0' }),
    ).toEqual([])
  })

  it('holds named limits by the family of their model, or by their own name', () => {
    const windows = usage({
      'x-codex-bengalfox-primary-used-percent': '3',
      'x-codex-bengalfox-primary-window-minutes': '300',
      'x-codex-bengalfox-limit-name': 'GPT-5.3-Codex-Spark',
      'x-codex-code-review-primary-used-percent': '4',
      'x-codex-code-review-primary-window-minutes': '10080',
    }).map(({ window }) => window)
    expect(windows.toSorted()).toEqual(['session:spark', 'weekly:code-review'])
  })

  it('does not take the copy of a named limit for the windows of the account', () => {
    const windows = usage({
      'x-codex-active-limit': 'codex_bengalfox',
      'x-codex-primary-used-percent': '99',
      'x-codex-primary-window-minutes': '300',
      'x-codex-bengalfox-primary-used-percent': '99',
      'x-codex-bengalfox-primary-window-minutes': '300',
    })
    expect(windows).toEqual([{ window: 'session:bengalfox', usedPercent: 99, resetsAt: null }])
  })

  it.each(['NaN', '-1', 'lots', '', '1e9', '5000'])('does not hold a percentage of %j', (value) => {
    expect(
      usage({ 'x-codex-primary-used-percent': value, 'x-codex-primary-window-minutes': '300' }),
    ).toEqual([])
  })
})

function usage(headers: Record<string, string>) {
  return readUsage(answer(200, { headers }))
}
