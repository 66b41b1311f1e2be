import { describe, expect, it } from 'vitest'
import { readPasted } from '../../src/login/pasted.ts'

describe('what a person pastes', () => {
  it.each([
    ['as the page shows it', 'abc#xyz'],
    ['with white space around and in it', '  abc#x\n yz \t'],
    ['as a callback URL', 'https://console.anthropic.com/oauth/code/callback?code=abc&state=xyz'],
    ['as a callback URL with the state behind the #', 'http://localhost:1/callback?code=abc#xyz'],
  ])('is a code and a state: %s', (_how, pasted) => {
    const read = readPasted(pasted)
    expect(read).toMatchObject({ kind: 'code', state: 'xyz' })
    expect(read.kind === 'code' && read.code.reveal()).toBe('abc')
  })

  it.each([
    '',
    ' ',
    'abc',
    '#',
    'abc#',
    '#xyz',
    'abc#xyz#more',
    'https://',
    'https://example.test/?state=xyz',
    'https://example.test/?code=abc',
  ])('is no code: "%s"', (pasted) => {
    expect(readPasted(pasted)).toEqual({ kind: 'unreadable' })
  })

  it('may be a refusal, which belongs to a login too', () => {
    const url = 'https://example.test/?error=access_denied&error_description=no'
    expect(readPasted(`${url}&state=xyz`)).toEqual({ kind: 'error', state: 'xyz' })
    expect(readPasted(url)).toEqual({ kind: 'unreadable' })
  })
})
