import * as v from 'valibot'
import { type Settings, type SettingsField, settingsFields } from './schema.ts'

/** One place that configuration comes from, later ones override earlier ones field by field. */
export interface SettingsSource {
  /** For people: a file's path, or "the plugin's options in opencode.json". */
  readonly name: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface ParsedSettings {
  readonly settings: Settings
  /** One sentence per invalid or unknown field: where, which, what was expected. */
  readonly complaints: readonly string[]
}

/** Merges the sources. An invalid field is as if it were absent, and only that field. */
export function parseSettings(sources: readonly SettingsSource[]): ParsedSettings {
  const complaints: string[] = []
  const accepted: Record<string, unknown> = {}
  for (const { name, fields } of sources) {
    for (const [field, value] of Object.entries(fields)) {
      if (field.startsWith('$')) continue
      if (!isSettingsField(field)) {
        complaints.push(`${name}: "${field}" is not a known field; it is ignored.`)
        continue
      }
      const result = v.safeParse(settingsFields[field], value)
      if (result.success) accepted[field] = result.output
      else
        complaints.push(
          `${name}: "${field}" ${expectation(result.issues[0])}; its default is used.`,
        )
    }
  }
  return { settings: v.parse(v.object(settingsFields), accepted), complaints }
}

/** The settings of somebody who configured nothing. */
export function defaultSettings(): Settings {
  return parseSettings([]).settings
}

function isSettingsField(field: string): field is SettingsField {
  return Object.hasOwn(settingsFields, field)
}

function expectation(issue: v.BaseIssue<unknown>): string {
  const place = v.getDotPath(issue)
  const field = place === null ? '' : `(${place}) `
  return `${field}is ${issue.received}, expected ${issue.expected ?? issue.message}`
}
