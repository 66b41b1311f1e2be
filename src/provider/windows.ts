/**
 * The names of windows, one vocabulary for both providers:
 *
 * | name | meaning |
 * |---|---|
 * | `session` | the short window (5 hours) |
 * | `weekly` | the long window (7 days) |
 * | `weekly:sonnet`, `session:…` | the same, for one model family or one named limit |
 * | `24h`, `primary` … | a window of another length (in hours), or of no known length |
 * | `retry-after` | the provider named a time, but no window |
 * | `usage-limit` | the provider said "used up until …", but named no window |
 * | `unified` | Anthropic refused the account and named a window we do not know |
 */
export const SESSION = 'session'
export const WEEKLY = 'weekly'
export const RETRY_AFTER = 'retry-after'
export const USAGE_LIMIT = 'usage-limit'
export const UNIFIED = 'unified'

/** What a window counts: a model family or a named limit; undefined = the whole account. */
export function partOf(window: string): string | undefined {
  return window.split(':')[1]
}

/** The name of a window that counts only a part of the traffic. */
export function partWindow(window: string, part: string | undefined): string {
  return part === undefined ? window : `${window}:${part}`
}

/**
 * A window's name, or a family's, as people may see it. Whoever writes into the accounts file names
 * windows, too: what is not of short words stands as "other".
 */
export function shownWindow(window: string): string {
  return window
    .split(':')
    .map((part) => (SHORT_WORDS.test(part) ? part : OTHER))
    .join(':')
}

/** No token is like that: those run on. */
const SHORT_WORDS = /^[\p{L}\p{N}]{1,16}(?:[ _.+-][\p{L}\p{N}]{1,16}){0,5}$/u
const OTHER = 'other'
