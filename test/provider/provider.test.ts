import { describe, expect, it } from 'vitest'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { openai } from '../../src/provider/openai/adapter.ts'

describe.each([anthropic, openai])('$name', (provider) => {
  it('names an unknown plan as the provider does', () => {
    expect(provider.planLabel('enterprise_x')).toBe('enterprise_x')
    expect(provider.planLabel('')).toBe('')
    expect(provider.planLabel('free')).toBe('Free')
  })

  it('is reached over https alone', () => {
    const endpoints = Object.values(provider.endpoints).filter((url) => url !== undefined)
    expect(endpoints.map((url) => new URL(url).protocol)).toEqual(endpoints.map(() => 'https:'))
  })
})

describe('the plans', () => {
  it('have the names that people know', () => {
    expect([anthropic.planLabel('max'), anthropic.planLabel('pro')]).toEqual([
      'Claude Max',
      'Claude Pro',
    ])
    expect(['pro', 'plus', 'go'].map(openai.planLabel)).toEqual([
      'ChatGPT Pro',
      'ChatGPT Plus',
      'ChatGPT Go',
    ])
  })
})

describe('an error that we make ourselves', () => {
  it('has the shape of the provider', () => {
    const error = { type: 'rate_limit_error', message: 'All "accounts"\nare limited.' }
    expect(JSON.parse(anthropic.errorBody(error))).toEqual({ type: 'error', error })
    expect(JSON.parse(openai.errorBody(error))).toEqual({
      error: { ...error, code: 'rate_limit_error' },
    })
  })
})
