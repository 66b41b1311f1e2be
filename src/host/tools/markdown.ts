import type { Decision } from '../../pool/decisions.ts'
import { narrate } from '../../pool/narrate.ts'
import type { AccountStatus, PoolStatus } from '../../pool/status.ts'
import { timeOf } from '../../pool/time-of.ts'
import type { Usage } from '../../provider/provider.ts'
import { SESSION, WEEKLY } from '../../provider/windows.ts'

const BAR_CELLS = 10
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const LENGTHS: ReadonlyMap<string, string> = new Map([
  [SESSION, '5-hour'],
  [WEEKLY, 'weekly'],
])

/** Every account as a list that reads well in a terminal of 80 columns. */
export function statusMarkdown(
  name: string,
  { accounts, problem }: PoolStatus,
  now: number,
): string {
  if (problem !== '') return `The ${name} accounts cannot be used: ${plain(problem)}`
  if (accounts.length === 0) {
    return `No ${name} account is signed in: run "opencode auth login" and choose ${name}.`
  }
  const count = `${accounts.length} ${name} account${accounts.length === 1 ? '' : 's'}`
  return [`**${count}**`, '', ...accounts.flatMap((account) => describe(account, now))].join('\n')
}

/** The last decisions, oldest first. */
export function whyMarkdown(name: string, decisions: readonly Decision[]): string {
  if (decisions.length === 0) return `Nothing has happened to the ${name} accounts yet.`
  const lines = decisions.map(({ at, news }) => `- ${clock(at)} ${plain(narrate(news, clock))}`)
  return [`**What happened to the ${name} accounts, and why**`, '', ...lines].join('\n')
}

function describe(account: AccountStatus, now: number): string[] {
  const { label, plan, state, active, why, backAt, usage, limits } = account
  const mark = active ? ' (in use)' : ''
  const tier = plan === '' ? '' : `, ${plain(plan)}`
  const back = backAt === undefined || state === 'cooling' ? '' : `, back ${timeOf(backAt, now)}`
  const ofFamilies = limits.filter(({ scope, until }) => scope !== 'account' && until > now)
  return [
    `- **${plain(label)}**${mark}${tier}: ${state}${back}`,
    ...(state === 'active' ? [] : [`  - ${plain(why)}`]),
    ...usage.map((window) => `  - ${usageLine(window, now)}`),
    ...ofFamilies.map(
      ({ window, until }) => `  - ${windowName(window)}: used up, back ${timeOf(until, now)}`,
    ),
    ...loadLine(account, now),
  ]
}

function usageLine({ window, usedPercent, resetsAt }: Usage, now: number): string {
  const name = windowName(window)
  if (resetsAt !== null && resetsAt <= now) return `${name}: was reset since it was read`
  const filled = Math.floor((Math.min(100, usedPercent) / 100) * BAR_CELLS)
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

function loadLine({ inFlight, usedElsewhere, lastUsedAt }: AccountStatus, now: number): string[] {
  const said = [
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

/** Names are anybody's: nothing of them may be read as Markdown. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|~#]/g, String.raw`\$&`)
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
}
