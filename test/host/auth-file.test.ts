import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type AuthSource,
  authSourceOf,
  readAuthLogins,
  readLogin,
} from '../../src/host/auth-file.ts'
import { temporaryFolder } from '../store/examples.ts'

const TOKENS = { refresh: 'canary-rt', access: 'canary-at', expires: 1_900_000_000_000 }
const POOL = { 'opencode-rota': 'pool' }
const DIRECT = { 'opencode-rota': 'direct' }

describe('OpenCode’s login file', () => {
  it.each([
    ['an OAuth login', { type: 'oauth', ...TOKENS }, 'oauth'],
    ['the empty entry', { type: 'oauth', refresh: '', access: '', expires: 0 }, 'oauth'],
    ['an API key', { type: 'api', key: 'sk' }, 'other'],
    ['a key for the pool', { type: 'api', key: 'sk', metadata: POOL }, 'pool'],
    ['a key for OpenCode itself', { type: 'api', key: 'sk', metadata: DIRECT }, 'direct'],
    ['another kind', { type: 'wellknown', key: 'k', token: 't' }, 'other'],
    ['a kind that is not known', { type: 'passkey' }, 'other'],
    ['a login that OpenCode does not see', { type: 'oauth', ...TOKENS, expires: 0.5 }, 'invalid'],
    ['no entry at all', 1, 'invalid'],
  ])('holds %s', async (_, entry, kind) => {
    const source = sourceWith(JSON.stringify({ anthropic: entry }))
    expect(await entryOf(source, 'anthropic')).toBe(kind)
    expect(await entryOf(source, 'openai')).toBe('none')
    expect(await entryOf(source, 'constructor')).toBe('none')
  })

  it('is empty when it is missing, and unreadable when it is anything else', async () => {
    const source = { file: join(temporaryFolder(), 'auth.json'), given: undefined }
    expect(await entryOf(source, 'anthropic')).toBe('none')
    mkdirSync(source.file)
    expect(await entryOf(source, 'anthropic')).toBe('unreadable')
    for (const text of ['', '{', '[]', 'null']) {
      expect(await entryOf(sourceWith(text), 'anthropic')).toBe('unreadable')
      expect(await readLogin(sourceWith(text), 'anthropic')).toBeUndefined()
    }
  })

  it('is not what counts while the host was given its logins', async () => {
    const XDG_DATA_HOME = temporaryFolder()
    const file = join(XDG_DATA_HOME, 'opencode', 'auth.json')
    const given = JSON.stringify({ openai: { type: 'oauth', ...TOKENS } })
    mkdirSync(dirname(file))
    writeFileSync(file, given)
    const source = authSourceOf({ XDG_DATA_HOME, OPENCODE_AUTH_CONTENT: given })
    expect(source).toEqual({ file, given })
    expect(await entryOf(source, 'openai')).toBe('oauth')
    // A renewal would make it worthless where it came from.
    expect(await readLogin(source, 'openai')).toBeUndefined()
    for (const ignored of ['', 'no JSON']) {
      const plain = authSourceOf({ XDG_DATA_HOME, OPENCODE_AUTH_CONTENT: ignored })
      expect(plain).toEqual({ file, given: undefined })
      expect(await readLogin(plain, 'openai')).toBeDefined()
    }
  })

  it('gives the login with its tokens', async () => {
    const entry = { type: 'oauth', ...TOKENS, accountId: 'seat', enterpriseUrl: 'https://x.test' }
    const found = await readLogin(sourceWith(JSON.stringify({ openai: entry })), 'openai')
    expect(found?.refreshToken.reveal()).toBe('canary-rt')
    expect(found?.accessToken?.reveal()).toBe('canary-at')
    expect(found).toMatchObject({ expiresAt: TOKENS.expires, accountId: 'seat' })
  })

  it.each([
    ['the empty entry', { type: 'oauth', refresh: '', access: '', expires: 0 }],
    ['an API key', { type: 'api', key: 'canary-sk' }],
    ['another kind', { type: 'wellknown', key: 'canary-k', token: 'canary-t', ...TOKENS }],
    ['a refresh token that is none', { type: 'oauth', ...TOKENS, refresh: 7 }],
    ['a refresh token with a line break', { type: 'oauth', ...TOKENS, refresh: 'a\nb' }],
    ['a word', 'oauth'],
    ['nothing', null],
  ])('gives nothing for %s', async (_, entry) => {
    expect(await readLogin(sourceWith(JSON.stringify({ openai: entry })), 'openai')).toBeUndefined()
  })

  it.each([
    ['no access token', { access: '' }, { accessToken: undefined }],
    ['a time that is none', { expires: 'soon' }, { expiresAt: undefined }],
    ['no time', { expires: 0 }, { expiresAt: undefined }],
    ['an account id that is none', { accountId: null }, { accountId: undefined }],
  ])('gives the login with %s', async (_, fields, found) => {
    const entry = { type: 'oauth', ...TOKENS, ...fields }
    const source = sourceWith(JSON.stringify({ openai: entry, other: 1 }))
    expect(await readLogin(source, 'openai')).toMatchObject(found)
  })
})

async function entryOf(source: AuthSource, provider: string): Promise<string> {
  const logins = await readAuthLogins(source)
  return logins.kind === 'read' ? logins.of(provider) : logins.kind
}

function sourceWith(text: string): AuthSource {
  const file = join(temporaryFolder(), 'auth.json')
  writeFileSync(file, text)
  return { file, given: undefined }
}
