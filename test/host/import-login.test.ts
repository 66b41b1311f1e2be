import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultSettings } from '../../src/config/settings.ts'
import { importFromOpenCode } from '../../src/host/import-login.ts'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { parseDocument } from '../../src/store/document.ts'
import { createFileStore } from '../../src/store/file.ts'
import { temporaryFolder } from '../store/examples.ts'

const LOGIN = { type: 'oauth', refresh: 'canary-rt', access: 'canary-at', expires: 1 }

describe('the import of OpenCode’s login', () => {
  it('is told once, without a secret', async () => {
    const pool = open(undefined)
    await pool.start()
    await pool.start()
    const message = expect.stringMatching(/^The Anthropic login of OpenCode is now an account/)
    expect(pool.said).toEqual([
      ['log', 'info', message],
      ['toast', 'info', message],
    ])
    expect(JSON.stringify(pool.said)).not.toContain('canary')
    expect(pool.accounts()).toHaveLength(1)
  })

  it('is told in the log alone in quiet mode', async () => {
    const pool = open(undefined, { quiet_mode: true })
    await pool.start()
    expect(pool.said.map(([way]) => way)).toEqual(['log'])
  })

  it('is remembered by every later writer of the file', async () => {
    const pool = open(undefined)
    await pool.start()
    await pool.store().update((document) => ({ ...document, accounts: [] }))
    await pool.start()
    expect(pool.accounts()).toEqual([])
    expect(readFileSync(pool.file, 'utf8')).toMatch(/"importedLogins": \[\s*"[0-9a-f]{32}"\s*\]/)
  })

  it.each([
    ['is of a newer version', '{"version":2,"accounts":[]}'],
    ['is damaged', '{"version":1,"accounts":[{"uuid":"a","refreshToken":"canary-a"'],
    ['has an account that cannot be used', '{"version":1,"accounts":[{"uuid":"a"}]}'],
    ['has an account', '{"version":1,"accounts":[{"uuid":"a","refreshToken":"canary-a"}]}'],
  ])('does not happen when the accounts file %s', async (_, text) => {
    const pool = open(text)
    await pool.start()
    expect(readFileSync(pool.file, 'utf8')).toBe(text)
    expect(pool.said.filter(([, level]) => level === 'info')).toEqual([])
  })

  it('does not happen when the accounts file cannot be read', async () => {
    const pool = open(undefined)
    mkdirSync(pool.file)
    await pool.start()
    expect(statSync(pool.file).isDirectory()).toBe(true)
    expect(readdirSync(dirname(pool.file)).toSorted()).toEqual(['accounts.json', 'auth.json'])
    expect(pool.said).toEqual([['log', 'error', expect.stringContaining(pool.file)]])
  })
})

/** A pool's file that holds `text`, and each time it starts a new process's view of it. */
function open(text: string | undefined, settings: { quiet_mode?: boolean } = {}) {
  const folder = temporaryFolder()
  const file = join(folder, 'accounts.json')
  const authFile = join(folder, 'auth.json')
  writeFileSync(authFile, JSON.stringify({ anthropic: LOGIN }))
  if (text !== undefined) writeFileSync(file, text, { mode: 0o600 })
  const said: (readonly [string, string, string])[] = []
  const store = () => createFileStore({ file, now: Date.now })
  return {
    file,
    said,
    store,
    start: () =>
      importFromOpenCode({
        pool: {
          provider: anthropic,
          settings: () => ({ ...defaultSettings(), ...settings }),
          // As when the file was not read in time: the import has to look for itself.
          status: () => ({ provider: anthropic.id, accounts: [], problem: '' }),
          upToDate: () => undefined,
        },
        store: store(),
        voice: {
          log: (level, message) => said.push(['log', level, message]),
          toast: (variant, message) => said.push(['toast', variant, message]),
          open: () => undefined,
        },
        source: { file: authFile, given: undefined },
      }),
    accounts: () => {
      const parsed = parseDocument(readFileSync(file, 'utf8'))
      return parsed.ok ? parsed.document.accounts : parsed
    },
  }
}
