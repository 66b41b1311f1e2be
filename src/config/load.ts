import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Provider } from '../provider/provider.ts'
import { jsonObject, objectOfFields } from './json-object.ts'
import { type ParsedSettings, type SettingsSource, parseSettings } from './settings.ts'

/** The plugin's options in `opencode.json`: common fields at the top, one object per provider. */
export type PluginOptions = Readonly<Record<string, unknown>>

const PROVIDER_OPTIONS = ['anthropic', 'openai']
const OPTIONS_NAME = "the plugin's options in opencode.json"

/** Reads a provider's config file and lays the plugin's options over it. Never rejects. */
export async function loadSettings(
  configDir: string,
  provider: Provider,
  options: PluginOptions,
): Promise<ParsedSettings> {
  const file = await readFirst(configDir, provider.configFiles)
  const own = v.safeParse(objectOfFields, options[provider.id] ?? {})
  const common = Object.entries(options).filter(([name]) => !PROVIDER_OPTIONS.includes(name))
  const parsed = parseSettings([
    ...file.sources,
    { name: OPTIONS_NAME, fields: Object.fromEntries(common) },
    ...(own.success ? [{ name: `${OPTIONS_NAME} (${provider.id})`, fields: own.output }] : []),
  ])
  const notAnObject = own.success
    ? []
    : [`${OPTIONS_NAME}: "${provider.id}" must be an object; it is ignored.`]
  return { ...parsed, complaints: [...file.complaints, ...notAnObject, ...parsed.complaints] }
}

/** The first of the files that exists. One that cannot be used is reported and counts as empty. */
async function readFirst(
  configDir: string,
  names: readonly string[],
): Promise<{ sources: SettingsSource[]; complaints: string[] }> {
  for (const name of names) {
    const path = join(configDir, name)
    const text = await readFile(path, 'utf8').catch(errorCode)
    if (typeof text !== 'string') {
      if (text.code === 'ENOENT' || text.code === 'ENOTDIR') continue
      return {
        sources: [],
        complaints: [`${path} cannot be read (${text.code}); defaults are used.`],
      }
    }
    const fields = v.safeParse(jsonObject, text)
    if (fields.success) return { sources: [{ name: path, fields: fields.output }], complaints: [] }
    return {
      sources: [],
      complaints: [
        `${path} is not a JSON object, so defaults are used. Mend it: its fields stand between { and }.`,
      ],
    }
  }
  return { sources: [], complaints: [] }
}

function errorCode(error: unknown): { code: string } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return { code: typeof code === 'string' ? code : 'unknown' }
}
