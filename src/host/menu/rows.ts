import type { AccountStatus } from '../../pool/status.ts'
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

/** Room for the mark of a choice and for a state beside the name. */
const BESIDE_NAME = 34

/** The account on one line. */
export function rowLine(row: Row, { paint, width, now }: Look): string {
  const name = shortened(row.label, Math.max(12, width - BESIDE_NAME))
  const active = row.active ? ', in use' : ''
  return `${name}  ${badge(row, paint)}  ${usedWhen(row.lastUsed, now)}${active}`
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

/** The state in one word, so that it is told without colour too. */
export function badge({ state, disabledReason }: Row, paint: Paint): string {
  const [tone, word] = badgeOf(state, disabledReason)
  return paint(tone, `[${word}]`)
}

function badgeOf(state: Row['state'], reason: Row['disabledReason']): readonly [Tone, string] {
  switch (state) {
    case 'active':
      return ['good', 'ready']
    case 'rateLimited':
      return ['warning', 'limited']
    case 'cooling':
      return ['warning', 'back soon']
    case 'authFailing':
      return ['warning', 'failing']
    case 'disabled':
      if (reason === 'user') return ['dim', 'off']
      return ['bad', isLoginNeeded(reason) ? 'login needed' : 'refused']
  }
}

/** Only a new login can repair it. */
export function isLoginNeeded(reason: Row['disabledReason']): boolean {
  return reason === 'revoked' || reason === 'lost'
}

/** Why it is in its state, and when it is back. */
function stateSentence({ state, why, backAt }: Row, now: number): string {
  if (state === 'active') return 'It is ready.'
  const back = backAt === undefined || backAt <= now ? '' : ` It is back ${timeOf(backAt, now)}.`
  return `Why: ${why}.${back}`
}
