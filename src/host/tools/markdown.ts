/** What a tool says: one line for the list of calls, and the Markdown itself. */
export interface Said {
  readonly title: string
  readonly text: string
}

/**
 * A name or a message of anybody's, of which nothing may be read as Markdown. OpenCode's screen shows
 * the backslashes: what means nothing, such as the `_` inside of an address, gets none.
 */
export function plain(text: string): string {
  return text.replace(MEANINGFUL, String.raw`\$&`)
}

/** A time of day, with the day when it is not today. Both are epoch ms. */
export function clockOf(at: number, now: number): string {
  const date = new Date(at)
  const time = date.toLocaleTimeString([], TIME)
  if (date.toDateString() === new Date(now).toDateString()) return time
  return `${date.toLocaleDateString([], { day: 'numeric', month: 'short' })} ${time}`
}

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

const MEANINGFUL = /[\\`*[\]<>|~]|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu
const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
