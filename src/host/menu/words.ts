export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'warning' | 'bad'

/** Shows words in a tone, or as they are where there is no colour. */
export type Paint = (tone: Tone, words: string) => string

const DAY_MS = 24 * 60 * 60_000

/**
 * When an account was last used, in the person's own days. Both are epoch ms; 0 = nothing was noted:
 * a success alone writes no file.
 */
export function usedWhen(lastUsed: number, now: number): string {
  if (lastUsed === 0) return 'no use noted'
  // From midnight to midnight: where the clocks change, a day has 23 or 25 hours.
  const days = Math.round((midnight(now) - midnight(lastUsed)) / DAY_MS)
  if (days <= 0) return 'used today'
  return days === 1 ? 'used yesterday' : `used ${days} d ago`
}

/** Lines of at most `width` characters, broken between words where that is possible. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && longer.length > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return line === '' ? lines : [...lines, line]
}

/** At most `width` characters. */
export function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

/** "work, home and 2 more": names as far as a line has room for them. */
export function listed(names: readonly string[]): string {
  if (names.length > MOST_NAMES) {
    const named = names.slice(0, MOST_NAMES - 1)
    return `${named.join(', ')} and ${names.length - named.length} more`
  }
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

const MOST_NAMES = 4

function midnight(at: number): number {
  const date = new Date(at)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}
