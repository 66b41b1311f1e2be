import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Provider } from '../provider/provider.ts'
import { writeAtomically } from '../store/atomic.ts'
import { makeFolder } from '../store/folder.ts'
import { errorCode, stillHolds } from '../store/target.ts'
import { jsonObject } from './json-object.ts'
import type { Settings } from './schema.ts'

export type SavedSetting =
  | { readonly ok: true; readonly file: string }
  /** For the person: what happened and what to do. */
  | { readonly ok: false; readonly problem: string }

/** Each means that somebody else wrote the file in the same moment. */
const MAX_CONFLICTS = 20

/**
 * Sets one field in a provider's config file: the one that is read, or a new one. The rest of the
 * file stays as it is, byte for byte.
 */
export async function saveSetting<Field extends keyof Settings>(
  configDir: string,
  { configFiles }: Pick<Provider, 'configFiles'>,
  field: Field,
  value: Settings[Field],
): Promise<SavedSetting> {
  let file = join(configDir, configFiles[0] ?? '')
  try {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const found = await firstFile(configDir, configFiles)
      file = found.file
      const text = withField(found.text ?? '{}\n', field, value)
      if (text === undefined) {
        return { ok: false, problem: `${file} is not a JSON object. Mend it, then try again.` }
      }
      if (text === found.text) return { ok: true, file }
      await makeFolder(configDir)
      const outcome = await writeAtomically(file, text, {
        check: () => stillHolds(file, found.text),
        ...(found.mode === undefined ? {} : { mode: found.mode }),
      })
      if (outcome === 'written') return { ok: true, file }
    }
    return { ok: false, problem: `${file} is changed by other programs all the time. Try again.` }
  } catch (error) {
    const problem = `${file} cannot be changed (${errorCode(error)}). Check its permissions, then try again.`
    return { ok: false, problem }
  }
}

/** The text with one top-level field set; undefined when it is not a JSON object. */
export function withField(text: string, field: string, value: unknown): string | undefined {
  const parsed = v.safeParse(jsonObject, text)
  if (!parsed.success) return undefined
  const written = JSON.stringify(value)
  const fields = fieldsOf(text)
  const known = fields.findLast(({ name }) => name === field)
  if (known !== undefined) return text.slice(0, known.start) + written + text.slice(known.end)
  const [, lineBreak = '\n', indent = '  '] = /^\s*\{[ \t]*(\r?\n)([ \t]+)"/.exec(text) ?? []
  const line = `${lineBreak}${indent}${JSON.stringify(field)}: ${written}`
  const last = fields.at(-1)
  // All that stands between the brackets of an empty object is white space.
  if (last === undefined) return text.replace(/\{\s*\}/, () => `{${line}${lineBreak}}`)
  return `${text.slice(0, last.end)},${line}${text.slice(last.end)}`
}

interface FieldPlace {
  readonly name: unknown
  /** Of its value, in the text. */
  readonly start: number
  readonly end: number
}

/** Strings whole, so that a bracket in one is none. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** The fields of the outermost object, in their order. The text is known to be JSON. */
function fieldsOf(text: string): readonly FieldPlace[] {
  const fields: FieldPlace[] = []
  let depth = 0
  let name: unknown
  let start: number | undefined
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    const end = index + token.length
    if (token === '}' || token === ']') depth -= 1
    if (depth === 1 && token === ':') start = undefined
    else if (depth === 1 && token === ',') name = undefined
    else if (depth === 1 && name === undefined) name = JSON.parse(token)
    else if (depth >= 1 && name !== undefined) {
      start ??= index
      if (depth === 1 && token !== '{' && token !== '[') fields.push({ name, start, end })
    }
    if (token === '{' || token === '[') depth += 1
  }
  return fields
}

async function firstFile(configDir: string, names: readonly string[]): Promise<Found> {
  for (const name of names) {
    const file = join(configDir, name)
    try {
      const [text, { mode }] = await Promise.all([readFile(file, 'utf8'), stat(file)])
      return { file, text, mode: mode & PERMISSIONS }
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }
  return { file: join(configDir, names[0] ?? ''), text: undefined, mode: undefined }
}

interface Found {
  readonly file: string
  /** Undefined when there is no file yet. */
  readonly text: string | undefined
  /** Who may read and write it: the person's own affair, kept as it is. */
  readonly mode: number | undefined
}

const PERMISSIONS = 0o777
