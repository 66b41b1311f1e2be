import { describe, expect, it } from 'vitest'
import { rebrand, rewriteBranding } from '../../../src/provider/anthropic/branding.ts'

describe('the name of the host in prose', () => {
  it.each([
    ['You are OpenCode, the best agent.', 'You are Claude Code, the best agent.'],
    ["opencode's docs", "Claude's docs"],
    ['Ask opencode.', 'Ask Claude.'],
    ['opencode: an agent', 'Claude: an agent'],
    ['(OpenCode)', '(Claude Code)'],
    ['"OpenCode"', '"Claude Code"'],
    ['OPENCODE', 'Claude'],
    ['opencode', 'Claude'],
  ])('is rewritten: %s', (text, expected) => {
    expect(rebrand(text)).toBe(expected)
  })

  it.each([
    '/home/me/opencode/src',
    '/home/me/opencode',
    '~/.config/opencode/opencode.json',
    './opencode',
    'opencode/bin',
    'C:\\opencode\\x',
    '.opencode',
    'opencode.json',
    'https://opencode.ai/docs?q=opencode',
    'https://github.com/anomalyco/opencode.',
    'opencode.ai',
    'opencode://x',
    'me@opencode.ai',
    '@opencode-ai/plugin',
    'opencode-rota',
    'my_opencode_dir',
    'OPENCODE_CONFIG_DIR',
    'name=opencode',
    '`opencode run`',
    '```sh\nopencode run\n```',
    '```sh\nopencode run',
    'Like this:\n\n    opencode run\n    opencode serve\n',
    '<code>opencode</code>',
  ])('is left alone in paths, URLs and code: %s', (text) => {
    expect(rebrand(text)).toBe(text)
  })

  it('is rewritten around what is left alone', () => {
    expect(rebrand('OpenCode reads `opencode.json` in /x/opencode, says OpenCode.')).toBe(
      'Claude Code reads `opencode.json` in /x/opencode, says Claude Code.',
    )
  })
})

describe('branding in a request body', () => {
  it('is rewritten in system text, given as a string or as blocks', () => {
    const text = { system: 'You are OpenCode' }
    const blocks = { system: [{ type: 'text', text: 'You are OpenCode' }, { type: 'other' }] }
    expect(rewriteBranding(text)).toBe(true)
    expect(rewriteBranding(blocks)).toBe(true)
    expect(text.system).toBe('You are Claude Code')
    expect(blocks.system).toEqual([
      { type: 'text', text: 'You are Claude Code' },
      { type: 'other' },
    ])
  })

  it('is left alone everywhere else', () => {
    const body = {
      system: [{ type: 'text', text: 'x', name: 'OpenCode' }],
      messages: [{ role: 'user', content: 'OpenCode' }],
      metadata: { user_id: 'OpenCode' },
    }
    const before = structuredClone(body)
    expect(rewriteBranding(body)).toBe(false)
    expect(body).toEqual(before)
  })
})
