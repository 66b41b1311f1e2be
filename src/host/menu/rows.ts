import type { AccountStatus } from '../../pool/status.ts'
import { stateWord } from '../../pool/narrate.ts'
import { timeOf } from '../../pool/time-of.ts'
import { type Paint, type Tone, shortened, usedWhen, wrapped } from './words.ts'

/** One account, as the menu shows it. */
export interface Row extends Pick<
  AccountStatus,
  | 'id'
  | 'kind'
  | 'label'
  | 'plan'
  | 'state'
  | 'active'
  | 'why'
  | 'backAt'
  | 'disabledReason'
  | 'usage'
  | 'usageReadAt'
> {
  /** 1 = first in the file. */
  readonly place: number
  /** Epoch ms; 0 = never. */
  readonly lastUsed: number
}

export interface Look {
  readonly paint: Paint
  /** How many characters a line has room for. */
  readonly width: number
  /** Epoch ms. */
  readonly now: number
}

const SHORTEST_NAME = 12
const GAP = '  '

/** The accounts, a line for each, in columns; the plan only where there is room for it. */
export function rowLines(rows: readonly Row[], { paint, width, now }: Look): readonly string[] {
  const badges = rows.map((row) => wordOf(row))
  const plans = rows.map(({ plan }) => plan)
  const uses = rows.map(
    ({ lastUsed, active }) => usedWhen(lastUsed, now) + (active ? ', in use' : ''),
  )
  const badgeWidth = longest(badges)
  const planWidth = longest(plans)
  const besideName = GAP.length + badgeWidth + GAP.length + longest(uses)
  const nameWidth = Math.min(
    longest(rows.map(({ label }) => label)),
    Math.max(SHORTEST_NAME, width - besideName),
  )
  const hasPlans = planWidth > 0 && nameWidth + besideName + GAP.length + planWidth <= width
  return rows.map((row, index) => {
    const [word = '', plan = '', use = ''] = [badges[index], plans[index], uses[index]]
    const name = shortened(row.label, nameWidth).padEnd(nameWidth)
    const state = paint(toneOf(row), word) + ' '.repeat(badgeWidth - word.length)
    return [name, state, ...(hasPlans ? [plan.padEnd(planWidth)] : []), use].join(GAP)
  })
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length))
}

/** What is known of one account, and why it is in its state. */
export function rowDetails(
  row: Row,
  count: number,
  { paint, width, now }: Look,
): readonly string[] {
  const plan = row.plan === '' ? [] : [row.plan]
  const facts = [...plan, `place ${row.place} of ${count}`, usedWhen(row.lastUsed, now)]
  return [
    `${paint('strong', row.label)}  ${badge(row, paint)}`,
    facts.join(', '),
    ...wrapped(stateSentence(row, now), width),
  ]
}

/** The state in a word or two, so that it is told without colour too. */
export function badge(row: Row, paint: Paint): string {
  return paint(toneOf(row), wordOf(row))
}

function wordOf(row: Row): string {
  return `[${stateWord(row)}]`
}

function toneOf({ state, disabledReason }: Row): Tone {
  if (state === 'active') return 'good'
  if (state !== 'disabled') return 'warning'
  return disabledReason === 'user' ? 'dim' : 'bad'
}

/** Why it is in its state, and when it is back. */
function stateSentence({ state, why, backAt }: Row, now: number): string {
  if (state === 'active') return 'It is ready.'
  const back = backAt === undefined || backAt <= now ? '' : ` It is back ${timeOf(backAt, now)}.`
  return `Why: ${why}.${back}`
}
