import type { Answer } from '../../src/provider/provider.ts'

/** Local time at which every answer of these tests comes in; it was sent one second before. */
export const NOW = 1_800_000_000_000
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

interface Told {
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly model?: string
  readonly skewMs?: number
}

/** An answer with this status; a body that is not text is sent as JSON. */
export function answer(status: number, told: Told = {}): Answer {
  const { body } = told
  return {
    status,
    headers: new Headers(told.headers),
    body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
    model: told.model,
    sentAt: NOW - 1_000,
    receivedAt: NOW,
    skewMs: told.skewMs ?? 0,
  }
}

/** The epoch seconds, as a header, of a moment `ms` from now. */
export function secondsIn(ms: number): string {
  return String((NOW + ms) / 1_000)
}
