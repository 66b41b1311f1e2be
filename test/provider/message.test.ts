import { describe, expect, it } from 'vitest'
import { cleanMessage } from '../../src/provider/message.ts'

describe('a cleaned message', () => {
  it('is one line without control, bidi and escape characters', () => {
    expect(cleanMessage('a\u001b[31mred\u001b[0m\r\nb\u202ec\u0007 d')).toBe('ared b c d')
  })

  it('shows nothing that looks like a token', () => {
    const text = 'bad sk-ant-oat01-abcdefgh and eyJhbGciOiJIUzI1NiJ9.e30.x and Bearer abc'
    expect(cleanMessage(text)).toBe('bad [secret] and [secret] and [secret]')
  })

  it('is at most 300 characters long', () => {
    expect(cleanMessage('x'.repeat(1_000))).toHaveLength(300)
  })
})
