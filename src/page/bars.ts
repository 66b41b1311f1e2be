import type { AccountPicture } from '../inspect/picture.ts'
import { ago, clock, roughly } from './time.ts'

/** How much of one window is used. */
export interface Bar {
  readonly window: string
  /** "5-hour window", "weekly window for opus". */
  readonly name: string
  /** 0 to 100. */
  readonly percent: number
  /** "42 %". */
  readonly share: string
  readonly level: 'calm' | 'high' | 'full'
  /** "resets in 1 h 04 min, 15:10"; empty when the provider names no reset. */
  readonly reset: string
}

export function barsOf({ usage }: Pick<AccountPicture, 'usage'>, now: number): readonly Bar[] {
  return usage.map(({ window, usedPercent, resetsAt }) => {
    const wasReset = resetsAt !== null && resetsAt <= now
    const percent = wasReset ? 0 : Math.min(100, Math.max(0, usedPercent))
    return {
      window,
      name: windowName(window),
      percent,
      share: wasReset ? '–' : shareOf(percent),
      level: levelOf(percent),
      reset: wasReset ? 'was reset since it was read' : resetOf(resetsAt, now),
    }
  })
}

/** How old the bars are, where that matters; empty while they are fresh. */
export function usageAge(
  { usage, usageReadAt }: Pick<AccountPicture, 'usage' | 'usageReadAt'>,
  now: number,
): string {
  if (usage.length === 0 || usageReadAt === 0 || now - usageReadAt < FRESH_FOR_MS) return ''
  return `usage read ${ago(now - usageReadAt)}`
}

/** What was read longer ago is not shown as if it were so now. */
const FRESH_FOR_MS = 5 * 60_000
const HIGH_FROM = 70
const FULL_FROM = 90
const LENGTHS: ReadonlyMap<string, string> = new Map([
  ['session', '5-hour'],
  ['weekly', 'weekly'],
])

function windowName(window: string): string {
  const [length = window, part] = window.split(':')
  const name = `${LENGTHS.get(length) ?? length} window`
  return part === undefined ? name : `${name} for ${part}`
}

/** Neither none nor all as long as that is not so. */
function shareOf(percent: number): string {
  if (percent > 0 && percent < 1) return 'under 1 %'
  return `${percent < 100 ? Math.min(99, Math.round(percent)) : 100} %`
}

function levelOf(percent: number): Bar['level'] {
  if (percent >= FULL_FROM) return 'full'
  return percent >= HIGH_FROM ? 'high' : 'calm'
}

function resetOf(resetsAt: number | null, now: number): string {
  if (resetsAt === null) return ''
  return `resets in ${roughly(resetsAt - now)}, ${clock(resetsAt, now)}`
}
