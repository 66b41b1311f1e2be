import { SESSION, WEEKLY } from '../../provider/windows.ts'
import type { Usage } from '../../provider/provider.ts'
import { timeOf } from '../../pool/time-of.ts'
import { type Look, type Row, badge } from './rows.ts'
import { type Tone, wrapped } from './words.ts'

const INDENT = '  '
/** More says no more. */
const LONGEST_BAR = 20
const SHORTEST_BAR = 8
const WARNS_FROM = 70
const ALARMS_FROM = 90
const NAMES: Readonly<Record<string, string>> = { [SESSION]: '5 hours', [WEEKLY]: 'week' }

/** How much of an account is used, a bar for each window. `problem`: why it could not be read now. */
export function quotaLines(row: Row, problem: string | undefined, look: Look): readonly string[] {
  const { paint, width, now } = look
  const plan = row.plan === '' ? '' : `  ${row.plan}`
  const { usage, usageReadAt } = row
  const nameWidth = Math.max(0, ...usage.map(({ window }) => windowName(window).length))
  const bars = usage.flatMap((each) => windowLines(each, nameWidth, look))
  const known = usage.length === 0 ? '' : ` This was so ${timeAgo(usageReadAt, now)}:`
  const said = problem === undefined ? [] : wrapped(`Not read: ${problem}.${known}`, width - 2)
  const nothing = usage.length === 0 && problem === undefined ? [withoutWindows(row)] : []
  return [
    `${paint('strong', row.label)}${plan}  ${badge(row, paint)}`,
    ...said.map((line) => INDENT + paint('warning', line)),
    ...bars,
    ...nothing.map((line) => INDENT + line),
  ]
}

function withoutWindows({ kind }: Row): string {
  return kind === 'apiKey' ? 'Paid by the request: there is no quota.' : 'It names no window.'
}

/** `weekly:opus` → "week opus"; a window that we have no word for keeps its name. */
function windowName(window: string): string {
  const [length = window, part] = window.split(':')
  const name = NAMES[length] ?? length
  return part === undefined ? name : `${name} ${part}`
}

/** One line, or two where the terminal is narrow. */
function windowLines(usage: Usage, nameWidth: number, { paint, width, now }: Look): string[] {
  const name = windowName(usage.window).padEnd(nameWidth)
  const percent = `${Math.round(usage.usedPercent)} %`.padStart(6)
  const reset = resetOf(usage, now)
  const room = width - INDENT.length - nameWidth - 2 - percent.length
  const isOneLine = room - reset.length - 2 >= SHORTEST_BAR
  const size = Math.min(LONGEST_BAR, isOneLine ? room - reset.length - 2 : room)
  const line = `${INDENT}${name}  ${paint(toneOf(usage), bar(usage.usedPercent, size))}${percent}`
  if (reset === '') return [line]
  if (isOneLine) return [`${line}  ${reset}`]
  return [line, `${INDENT}${' '.repeat(nameWidth + 2)}${reset}`]
}

function bar(usedPercent: number, size: number): string {
  const share = Math.min(Math.max(usedPercent, 0), 100) / 100
  // Neither full nor empty as long as that is not so.
  const least = usedPercent > 0 ? 1 : 0
  const most = usedPercent < 100 ? size - 1 : size
  const filled = Math.min(Math.max(Math.round(share * size), least), most)
  return '█'.repeat(filled) + '░'.repeat(size - filled)
}

function toneOf({ usedPercent }: Usage): Tone {
  if (usedPercent >= ALARMS_FROM) return 'bad'
  return usedPercent >= WARNS_FROM ? 'warning' : 'good'
}

function resetOf({ resetsAt }: Usage, now: number): string {
  if (resetsAt === null) return ''
  return resetsAt <= now ? 'has been reset' : `resets ${timeOf(resetsAt, now)}`
}

function timeAgo(at: number, now: number): string {
  const minutes = Math.round((now - at) / 60_000)
  if (minutes < 1) return 'a moment ago'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`
}
