import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAuthEntry, readLogin } from '../../src/host/auth-entry.ts'
import { temporaryFolder } from '../store/examples.ts'

const TOKENS = { refresh: 'canary-rt', access: 'canary-at', expires: 1_900_000_000_000 }

describe('OpenCode’s login file', () => {
  it.each([
    ['an OAuth login', { type: 'oauth', ...TOKENS }, 'oauth'],
    ['the empty entry', { type: 'oauth', refresh: '', access: '', expires: 0 }, 'oauth'],
    ['an API key', { type: 'api', key: 'sk' }, 'other'],
    ['another kind', { type: 'wellknown', key: 'k', token: 't' }, 'other'],
  ])('holds %s', async (_, entry, kind) => {
    const file = authFile(JSON.stringify({ anthropic: entry }))
    expect(await readAuthEntry(file, 'anthropic')).toBe(kind)
    expect(await readAuthEntry(file, 'openai')).toBe('none')
    expect(await readAuthEntry(file, 'constructor')).toBe('none')
  })

  it('is empty when it is missing, and unreadable when it is anything else', async () => {
    const folder = temporaryFolder()
    expect(await readAuthEntry(join(folder, 'auth.json'), 'anthropic')).toBe('none')
    mkdirSync(join(folder, 'auth.json'))
    expect(await readAuthEntry(join(folder, 'auth.json'), 'anthropic')).toBe('unreadable')
    for (const text of ['', '{', '[]', '{"anthropic": 1}', '{"openai": {}}']) {
      expect(await readAuthEntry(authFile(text), 'anthropic')).toBe('unreadable')
      expect(await readLogin(authFile(text), 'anthropic')).toBeUndefined()
    }
  })

  it('gives the login with its tokens', async () => {
    const entry = { type: 'oauth', ...TOKENS, accountId: 'seat', enterpriseUrl: 'https://x.test' }
    const found = await readLogin(authFile(JSON.stringify({ openai: entry })), 'openai')
    expect(found?.refreshToken.reveal()).toBe('canary-rt')
    expect(found?.accessToken?.reveal()).toBe('canary-at')
    expect(found).toMatchObject({ expiresAt: TOKENS.expires, accountId: 'seat' })
  })

  it.each([
    ['the empty entry', { type: 'oauth', refresh: '', access: '', expires: 0 }],
    ['an API key', { type: 'api', key: 'canary-sk' }],
    ['a refresh token that is none', { type: 'oauth', ...TOKENS, refresh: 7 }],
    ['a refresh token with a line break', { type: 'oauth', ...TOKENS, refresh: 'a\nb' }],
  ])('gives nothing for %s', async (_, entry) => {
    expect(await readLogin(authFile(JSON.stringify({ openai: entry })), 'openai')).toBeUndefined()
  })

  it.each([
    ['no access token', { access: '' }, { accessToken: undefined }],
    ['a time that is none', { expires: 'soon' }, { expiresAt: undefined }],
    ['no time', { expires: 0 }, { expiresAt: undefined }],
  ])('gives the login with %s', async (_, fields, found) => {
    const entry = { type: 'oauth', ...TOKENS, ...fields }
    expect(await readLogin(authFile(JSON.stringify({ openai: entry })), 'openai')).toMatchObject(
      found,
    )
  })
})

function authFile(text: string): string {
  const file = join(temporaryFolder(), 'auth.json')
  writeFileSync(file, text)
  return file
}
