import * as v from 'valibot'
import { headerSafe } from '../headers.ts'
import { parseJson } from '../json.ts'

const number = v.fallback(v.nullish(v.union([v.number(), v.string()])), undefined)

const WindowSchema = v.object({
  used_percent: number,
  window_minutes: number,
  reset_after_seconds: number,
  reset_at: number,
})

const window = v.fallback(v.nullish(WindowSchema), undefined)

const EventSchema = v.object({
  rate_limits: v.object({ primary: window, secondary: window }),
})

/** The windows of a `codex.rate_limits` event, as the headers that say the same. */
export function limitHeaders(json: string): Headers {
  const headers = new Headers()
  const parsed = v.safeParse(EventSchema, parseJson(json))
  if (!parsed.success) return headers
  for (const [slot, fields] of Object.entries(parsed.output.rate_limits)) {
    for (const [field, value] of Object.entries(fields ?? {})) {
      const name = `x-codex-${slot}-${field.replaceAll('_', '-')}`
      if (value !== undefined && value !== null) headers.set(name, headerSafe(String(value)))
    }
  }
  return headers
}
