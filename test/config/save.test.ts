import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { saveSetting, withField } from '../../src/config/save.ts'
import { temporaryFolder } from '../store/examples.ts'

const FILES = { configFiles: ['new-name.json', 'old-name.json'] }
const FIELD = 'account_selection_strategy'

describe('a text with one field set', () => {
  it.each([
    ['{}', '{\n  "f": "x"\n}'],
    ['{\n}\n', '{\n  "f": "x"\n}\n'],
    ['{"f": 1}', '{"f": "x"}'],
    ['{"a": 1}', '{"a": 1,\n  "f": "x"}'],
    ['{\n    "a": 1\n}\n', '{\n    "a": 1,\n    "f": "x"\n}\n'],
    ['{\r\n\t"f" : {"f": [1, 2]} ,\r\n\t"b":2}', '{\r\n\t"f" : "x" ,\r\n\t"b":2}'],
    ['{"a": {"f": 1}, "b": "\\"f\\": 2"}', '{"a": {"f": 1}, "b": "\\"f\\": 2",\n  "f": "x"}'],
    ['{"f": 1, "\\u0066": [2]}', '{"f": 1, "\\u0066": "x"}'],
    ['{"": {}, "f": -1.5e3}', '{"": {}, "f": "x"}'],
  ])('%j becomes %j', (before, after) => {
    expect(withField(before, 'f', 'x')).toBe(after)
  })

  it.each([[''], ['[]'], ['null'], ['{'], ['{"a": 1,}'], ['{"a": 1} // mine']])(
    'is not made of %j',
    (text) => {
      expect(withField(text, 'f', 1)).toBeUndefined()
    },
  )

  it('means the same as before in all other fields, however it is written', () => {
    const fields = fc.dictionary(fc.string(), fc.jsonValue())
    const space = fc.constantFrom(undefined, 2, '\t')
    fc.assert(
      fc.property(fields, fc.string(), fc.jsonValue(), space, (before, field, value, indent) => {
        fc.pre(field !== '__proto__' && !Object.hasOwn(before, '__proto__'))
        const after = withField(JSON.stringify(before, undefined, indent), field, value)
        const expected: unknown = JSON.parse(JSON.stringify({ ...before, [field]: value }))
        expect(JSON.parse(after ?? '')).toEqual(expected)
      }),
    )
  })
})

describe('a saved setting', () => {
  it('goes into the file that is read, and leaves the rest byte for byte', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'old-name.json')
    writeFileSync(file, '{ "mine": [1,  2],\n  "account_selection_strategy": "sticky", "z": 0 }')
    expect(await saveSetting(folder, FILES, FIELD, 'drain')).toEqual({ ok: true, file })
    expect(readFileSync(file, 'utf8')).toBe(
      '{ "mine": [1,  2],\n  "account_selection_strategy": "drain", "z": 0 }',
    )
    expect(readdirSync(folder)).toEqual(['old-name.json'])
  })

  it('makes the file and its folder', async () => {
    const folder = join(temporaryFolder(), 'config', 'opencode')
    const file = join(folder, 'new-name.json')
    expect(await saveSetting(folder, FILES, FIELD, 'hybrid')).toEqual({ ok: true, file })
    expect(readFileSync(file, 'utf8')).toBe('{\n  "account_selection_strategy": "hybrid"\n}\n')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.each([0o644, 0o640, 0o600])('keeps who may read the file: %o', async (mode) => {
    const folder = temporaryFolder()
    const file = join(folder, 'new-name.json')
    writeFileSync(file, '{}')
    chmodSync(file, mode)
    const umask = process.umask(0o077)
    try {
      expect(await saveSetting(folder, FILES, FIELD, 'drain')).toEqual({ ok: true, file })
    } finally {
      process.umask(umask)
    }
    expect(statSync(file).mode & 0o777).toBe(mode)
  })

  it('follows a link', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'elsewhere.json'), '{}')
    symlinkSync('elsewhere.json', join(folder, 'new-name.json'))
    await saveSetting(folder, FILES, FIELD, 'drain')
    expect(readFileSync(join(folder, 'elsewhere.json'), 'utf8')).toContain('drain')
  })

  it('loses no change that is saved at the same time', async () => {
    const folder = temporaryFolder()
    await Promise.all([
      saveSetting(folder, FILES, FIELD, 'drain'),
      saveSetting(folder, FILES, 'quiet_mode', true),
      saveSetting(folder, FILES, 'max_wait_ms', 5),
    ])
    expect(JSON.parse(readFileSync(join(folder, 'new-name.json'), 'utf8'))).toEqual({
      account_selection_strategy: 'drain',
      quiet_mode: true,
      max_wait_ms: 5,
    })
  })

  it('leaves a file alone that is no JSON object, and says so', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'new-name.json')
    writeFileSync(file, '{ // mine\n}')
    const problem = `${file} is not a JSON object. Mend it, then try again.`
    expect(await saveSetting(folder, FILES, FIELD, 'drain')).toEqual({ ok: false, problem })
    expect(readFileSync(file, 'utf8')).toBe('{ // mine\n}')
  })

  it('says why nothing can be written', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'new-name.json'))
    expect(await saveSetting(folder, FILES, FIELD, 'drain')).toEqual({
      ok: false,
      problem: expect.stringContaining('cannot be changed (EISDIR)'),
    })
  })
})
