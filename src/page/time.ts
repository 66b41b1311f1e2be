const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What is left, to the second: "20 s", "12 min 09 s", "1 h 04 min 09 s", "2 d 05 h 04 min". */
export function countdown(ms: number): string {
  const left = Math.max(0, Math.ceil(ms / SECOND)) * SECOND
  const units = [
    [Math.floor(left / DAY), 'd'],
    [Math.floor(left / HOUR) % 24, 'h'],
    [Math.floor(left / MINUTE) % 60, 'min'],
    [Math.floor(left / SECOND) % 60, 's'],
  ] as const
  const first = units.findIndex(([count]) => count > 0)
  const shown = first === -1 ? units.slice(-1) : units.slice(first, first + MOST_UNITS)
  return shown.map(([count, unit], at) => `${padded(count, at)} ${unit}`).join(' ')
}

/** What is left, to the minute: "less than a minute", "12 min", "1 h 04 min", "2 d 05 h". */
export function roughly(ms: number): string {
  if (ms < MINUTE) return 'less than a minute'
  const minutes = Math.floor(ms / MINUTE)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${padded(minutes % 60, 1)} min`
  return `${Math.floor(hours / 24)} d ${padded(hours % 24, 1)} h`
}

export function ago(ms: number): string {
  if (ms < 5 * SECOND) return 'just now'
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`
  return ms < DAY ? `${Math.floor(ms / HOUR)} h ago` : `${Math.floor(ms / DAY)} d ago`
}

/** A time of day in the person's zone, with the day when it is not today. Both are epoch ms. */
export function clock(at: number, now: number, seconds = false): string {
  const date = new Date(at)
  const time = date.toLocaleTimeString([], seconds ? TO_THE_SECOND : TO_THE_MINUTE)
  if (date.toDateString() === new Date(now).toDateString()) return time
  const isNear = Math.abs(at - now) < DAYS_WITH_NAMES * DAY
  return `${date.toLocaleDateString([], isNear ? DAY_OF_WEEK : DAY_OF_YEAR)} ${time}`
}

/** For `<time datetime>`; undefined where a number is no time. */
export function machineTime(at: number): string | undefined {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

const MOST_UNITS = 3
const TO_THE_MINUTE = { hour: '2-digit', minute: '2-digit' } as const
const TO_THE_SECOND = { ...TO_THE_MINUTE, second: '2-digit' } as const
/** A weekday further away than that would be taken for another one. */
const DAYS_WITH_NAMES = 6
const DAY_OF_WEEK = { weekday: 'short' } as const
const DAY_OF_YEAR = { weekday: 'short', day: 'numeric', month: 'short' } as const

function padded(count: number, at: number): string {
  return at === 0 ? String(count) : String(count).padStart(2, '0')
}
