import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSettings } from '../../src/config/load.ts'
import { authFileOf, configDirOf } from '../../src/config/paths.ts'
import { settingsFields } from '../../src/config/schema.ts'
import { defaultSettings, parseSettings } from '../../src/config/settings.ts'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { openai } from '../../src/provider/openai/adapter.ts'

describe('settings', () => {
  it('are complete when nobody configured anything', () => {
    expect(defaultSettings()).toMatchObject({
      enabled: true,
      account_selection_strategy: 'sticky',
      max_wait_ms: 60_000,
      max_consecutive_auth_failures: 3,
      proactive_refresh_buffer_seconds: 1_800,
    })
  })

  it('take the default for an invalid field only, and say which, where and what was expected', () => {
    const { settings, complaints } = parseSettings([
      {
        name: 'claude-multiauth.json',
        fields: { max_wait_ms: 900_000, quiet_mode: true, account_selection_strategy: 'random' },
      },
    ])
    expect(settings).toMatchObject({
      max_wait_ms: 60_000,
      quiet_mode: true,
      account_selection_strategy: 'sticky',
    })
    expect(complaints).toEqual([
      'claude-multiauth.json: "max_wait_ms" is 900000, expected <=240000; its default is used.',
      'claude-multiauth.json: "account_selection_strategy" is "random", expected ("sticky" | "round-robin" | "hybrid" | "drain"); its default is used.',
    ])
  })

  it('name the part of a field that is wrong', () => {
    const { complaints } = parseSettings([
      { name: 'x.json', fields: { endpoints: { token: 'http://example.com/token' } } },
    ])
    expect(complaints).toEqual([
      expect.stringMatching(
        /^x\.json: "endpoints" \(token\) is .*an https URL, or http on loopback/,
      ),
    ])
  })

  it.each([
    'https://proxy.example/v1',
    'http://127.0.0.1:8080',
    'http://localhost:1',
    'http://[::1]/',
  ])('accept %s as an endpoint', (api) => {
    const { settings, complaints } = parseSettings([{ name: 'x', fields: { endpoints: { api } } }])
    expect([settings.endpoints.api, complaints]).toEqual([api, []])
  })

  it.each(['http://192.168.1.1/', 'ftp://127.0.0.1/', 'javascript:alert(1)', 'no url', ''])(
    'refuse %j as an endpoint',
    (api) => {
      expect(
        parseSettings([{ name: 'x', fields: { endpoints: { api } } }]).complaints,
      ).toHaveLength(1)
    },
  )

  it('report an unknown field and take no field from the prototype for a known one', () => {
    const fields: Record<string, unknown> = JSON.parse(
      '{"max_wiat_ms": 1, "constructor": 1, "__proto__": 1}',
    )
    const { complaints } = parseSettings([{ name: 'x', fields }])
    expect(complaints).toContain('x: "max_wiat_ms" is not a known field; it is ignored.')
    expect(complaints).toContain('x: "constructor" is not a known field; it is ignored.')
  })
})

describe('settings of a provider', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rota-config-'))
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('come from its file, then the common options, then its own options', async () => {
    const fields = { max_wait_ms: 1, short_retry_after_ms: 2, quiet_mode: true }
    await writeFile(join(folder, 'claude-multiauth.json'), JSON.stringify(fields))
    const options = { max_wait_ms: 10, short_retry_after_ms: 20, anthropic: { max_wait_ms: 100 } }
    const { settings, complaints } = await loadSettings(folder, anthropic, options)
    expect(settings).toMatchObject({
      max_wait_ms: 100,
      short_retry_after_ms: 20,
      quiet_mode: true,
    })
    expect(complaints).toEqual([])
  })

  it('are read from codex-multiauth.json where there is no chatgpt-multiauth.json', async () => {
    await writeFile(join(folder, 'codex-multiauth.json'), '{"debug": true}')
    expect((await loadSettings(folder, openai, {})).settings.debug).toBe(true)
    await writeFile(join(folder, 'chatgpt-multiauth.json'), '{}')
    expect((await loadSettings(folder, openai, {})).settings.debug).toBe(false)
  })

  it.each(['{ "max_wait_ms": 1', '[{ "max_wait_ms": 1 }]', '[]', 'null', '1'])(
    'are the defaults, with one complaint, when the file is no JSON object: %s',
    async (text) => {
      const file = join(folder, 'claude-multiauth.json')
      await writeFile(file, text)
      const { settings, complaints } = await loadSettings(folder, anthropic, {})
      expect(settings).toEqual(defaultSettings())
      expect(complaints).toEqual([
        `${file} is not a JSON object, so defaults are used. Mend it: its fields stand between { and }.`,
      ])
    },
  )

  it.each([true, [{ max_wait_ms: 1 }]])(
    'complain about options of a provider that are no object: %j',
    async (options) => {
      const { complaints } = await loadSettings(folder, anthropic, { anthropic: options })
      expect(complaints).toEqual([expect.stringContaining('"anthropic" must be an object')])
    },
  )
})

describe('places', () => {
  it('are found as OpenCode finds them; an empty variable counts as unset', () => {
    const home = { HOME: '/home/me' }
    expect(configDirOf({ ...home })).toBe('/home/me/.config/opencode')
    expect(configDirOf({ ...home, XDG_CONFIG_HOME: '/c' })).toBe('/c/opencode')
    expect(configDirOf({ ...home, XDG_CONFIG_HOME: '', OPENCODE_CONFIG_DIR: '/o' })).toBe('/o')
    expect(configDirOf({ ...home, OPENCODE_CONFIG_DIR: '' })).toBe('/home/me/.config/opencode')
    expect(authFileOf({ ...home })).toBe('/home/me/.local/share/opencode/auth.json')
    expect(authFileOf({ ...home, XDG_DATA_HOME: '/d' })).toBe('/d/opencode/auth.json')
  })
})

describe('the documentation', () => {
  it('names every field and no other', async () => {
    const rows = (await read('configuration.md')).matchAll(/^\| `([a-z_]+)`/gm)
    const documented = [...rows].map(([, field]) => field)
    expect(new Set(documented)).toEqual(new Set(Object.keys(settingsFields)))
  })

  it('has the defaults that hold', async () => {
    const rows = (await read('configuration.md')).matchAll(
      /^\| `([a-z_]+)` +\| `?(true|false|\d+|".+?")/gm,
    )
    const documented = [...rows].map(([, field = '', text = '']) => [field, JSON.parse(text)])
    const plain = Object.entries(defaultSettings()).filter(([, value]) => typeof value !== 'object')
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(plain))
  })

  it('names every transform and no other', async () => {
    const [, section = ''] = (await read('providers.md')).split(/^### The transforms|^## What an/m)
    const documented = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, field]) => field)
    expect(new Set(documented)).toEqual(new Set(Object.keys(anthropic.transforms)))
  })
})

function read(page: string): Promise<string> {
  return readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
}
