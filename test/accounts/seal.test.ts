import { beforeAll, describe, expect, it } from 'vitest'
import { type Sealing, seal, unseal } from '../../src/accounts/seal.ts'
import { parseObject } from '../fake/json.ts'
import { secret } from '../../src/secret.ts'

const TEXT = 'what nobody must read ☕'
const SEALING: Sealing = { provider: 'anthropic', passphrase: secret('canary-passphrase é') }
const WRONG = 'The passphrase is wrong, or the file was changed. Nothing was imported.'

async function problemOf(file: string, sealing = SEALING): Promise<string | undefined> {
  const opened = await unseal(file, sealing)
  return opened.ok ? undefined : opened.problem
}

describe('a sealed text', () => {
  let sealed: string

  beforeAll(async () => {
    sealed = await seal(TEXT, SEALING)
  })

  const changed = (changes: object) => JSON.stringify({ ...parseObject(sealed), ...changes })
  it('is opened with its passphrase, however that is composed', async () => {
    expect(await unseal(sealed, SEALING)).toEqual({ ok: true, text: TEXT })
    const composed = { ...SEALING, passphrase: secret('canary-passphrase e\u0301') }
    expect(await unseal(sealed, composed)).toEqual({ ok: true, text: TEXT })
  })

  it('says how it was made, and shows nothing of the text or the passphrase', () => {
    expect(parseObject(sealed)).toEqual({
      format: 'opencode-rota backup',
      version: 1,
      provider: 'anthropic',
      kdf: { name: 'scrypt', N: 131_072, r: 8, p: 1, salt: expect.stringMatching(/^.{22}==$/) },
      cipher: { name: 'aes-256-gcm', iv: expect.stringMatching(/^.{16}$/) },
      sealed: expect.any(String),
    })
    expect(sealed).not.toMatch(/nobody|canary/)
  })

  it('never looks the same twice', async () => {
    const again = parseObject(await seal(TEXT, SEALING))
    const first = parseObject(sealed)
    for (const field of ['kdf', 'cipher', 'sealed']) {
      expect(again?.[field]).not.toEqual(first?.[field])
    }
  })

  it('stays shut for another passphrase', async () => {
    expect(await problemOf(sealed, { ...SEALING, passphrase: secret('canary') })).toBe(WRONG)
  })

  it('stays shut when any byte of it was changed', async () => {
    const bytes = Buffer.from(String(parseObject(sealed)?.['sealed']), 'base64')
    // The first byte, one in the middle, the first and the last of the tag.
    for (const place of [0, 9, bytes.length - 16, bytes.length - 1]) {
      const copy = Buffer.from(bytes)
      copy[place] = (copy[place] ?? 0) ^ 1
      expect(await problemOf(changed({ sealed: copy.toString('base64') }))).toBe(WRONG)
    }
    const short = bytes.subarray(0, -1).toString('base64')
    expect(await problemOf(changed({ sealed: short }))).toBe(WRONG)
  })

  it('stays shut when its header was changed', async () => {
    const salt = Buffer.alloc(16, 7).toString('base64')
    const iv = Buffer.alloc(12, 7).toString('base64')
    const kdf = { name: 'scrypt', N: 131_072, r: 8, p: 1, salt }
    expect(await problemOf(changed({ kdf }))).toBe(WRONG)
    expect(await problemOf(changed({ cipher: { name: 'aes-256-gcm', iv } }))).toBe(WRONG)
    const openai = { ...SEALING, provider: 'openai' }
    expect(await problemOf(sealed, openai)).toContain('accounts of another provider')
    expect(await problemOf(changed({ provider: 'openai' }), openai)).toBe(WRONG)
  })

  it.each([
    ['no JSON', () => 'x'],
    ['another file', () => '{"version":1,"accounts":[]}'],
    ['a cheaper key', () => changed({ kdf: { name: 'scrypt', N: 2, r: 8, p: 1, salt: 'AAAA' } })],
    ['a dearer key', () => sealed.replace('131072', '1073741824')],
    ['a short salt', () => sealed.replace(/"salt": ".{4}/, '"salt": "')],
    ['nothing sealed', () => changed({ sealed: '' })],
    ['less than a tag', () => changed({ sealed: 'AAAA' })],
    ['no base64', () => changed({ sealed: '*' })],
  ])('is not %s', async (_name, text) => {
    expect(await problemOf(text())).toContain('This file is no backup of accounts')
  })

  it('says that a newer version made it', async () => {
    expect(await problemOf(changed({ version: 2 }))).toContain('by a newer version')
  })
})
