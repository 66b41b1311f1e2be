import type { LimitRecord } from '../../../machines/limits.ts'
import { stateWord } from '../../pool/narrate.ts'
import { type AccountStatus, type PoolStatus, explainLimit } from '../../pool/status.ts'
import { timeOf } from '../../pool/time-of.ts'
import type { Usage } from '../../provider/provider.ts'
import { SESSION, WEEKLY } from '../../provider/windows.ts'
import { type Said, counted, plain } from './markdown.ts'

/** Every account as a list that reads well in a terminal of 80 columns, rendered or not. */
export function statusMarkdown(name: string, { accounts, problem }: PoolStatus, now: number): Said {
  if (accounts.length === 0) {
    const text =
      problem === ''
        ? `No ${name} account is signed in: run "opencode auth login" and choose ${name}.`
        : `The ${name} accounts cannot be used: ${plain(problem)}`
    return { title: 'no accounts', text }
  }
  const ready = accounts.filter(({ state }) => state === 'active').length
  const warning = problem === '' ? [] : [`${plain(problem)} So they were when last read:`, '']
  const text = [
    `**${counted(accounts.length, `${name} account`)}**, ${ready} ready`,
    '',
    ...warning,
    ...accounts.flatMap((account) => describe(account, now)),
  ]
  return { title: `${counted(accounts.length, 'account')}, ${ready} ready`, text: text.join('\n') }
}

const BAR_CELLS = 10
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** What was read longer ago is not shown as if it were so now. */
const FRESH_FOR_MS = 5 * MINUTE
const LENGTHS: ReadonlyMap<string, string> = new Map([
  [SESSION, '5-hour'],
  [WEEKLY, 'weekly'],
])

function describe(account: AccountStatus, now: number): string[] {
  const { label, plan, state, active, why, backAt, usage } = account
  const mark = active ? ' (in use)' : ''
  const tier = plan === '' ? '' : `, ${plain(plan)}`
  const back = backAt === undefined || state === 'cooling' ? '' : `, back ${timeOf(backAt, now)}`
  return [
    `- **${plain(label)}**${mark}${tier}: ${stateWord(account)}${back}`,
    ...(state === 'active' ? [] : [`  - ${plain(why)}`]),
    ...usage.map((window) => `  - ${usageLine(window, now)}`),
    ...otherLimits(account, now).map(
      (limit) => `  - ${plain(explainLimit(limit))}, back ${timeOf(limit.until, now)}`,
    ),
    ...loadLine(account, now),
  ]
}

/** The current limits but the one that the state already tells. */
function otherLimits({ state, limits, backAt }: AccountStatus, now: number): LimitRecord[] {
  return limits.filter(
    ({ scope, until }) =>
      until > now && !(state === 'rateLimited' && scope === 'account' && until === backAt),
  )
}

function usageLine({ window, usedPercent, resetsAt }: Usage, now: number): string {
  const name = windowName(window)
  if (resetsAt !== null && resetsAt <= now) return `${name}: was reset since it was read`
  const filled = Math.floor((Math.min(100, Math.max(0, usedPercent)) / 100) * BAR_CELLS)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled)
  const reset = resetsAt === null ? '' : `, resets ${timeOf(resetsAt, now)}`
  return `${name}: ${bar} ${Math.round(usedPercent)} % used${reset}`
}

/** "5-hour window", "weekly window for opus". */
function windowName(window: string): string {
  const [length = window, part] = window.split(':')
  const name = `${plain(LENGTHS.get(length) ?? length)} window`
  return part === undefined ? name : `${name} for ${plain(part)}`
}

function loadLine(account: AccountStatus, now: number): string[] {
  const { inFlight, usedElsewhere, lastUsedAt, renewing, usage, usageReadAt } = account
  const isStale = usage.length > 0 && usageReadAt > 0 && now - usageReadAt >= FRESH_FOR_MS
  const said = [
    isStale ? `usage read ${ago(now - usageReadAt)}` : '',
    renewing ? 'its token is being renewed' : '',
    inFlight > 0 ? `${inFlight} in flight` : '',
    usedElsewhere > 0 ? `${usedElsewhere} in other OpenCode processes` : '',
    lastUsedAt > 0 ? `last used ${ago(now - lastUsedAt)}` : '',
  ].filter((part) => part !== '')
  return said.length === 0 ? [] : [`  - ${said.join(', ')}`]
}

function ago(ms: number): string {
  if (ms < MINUTE) return 'just now'
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`
  return ms < DAY ? `${Math.floor(ms / HOUR)} h ago` : `${Math.floor(ms / DAY)} d ago`
}
