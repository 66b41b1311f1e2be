import type { AccountPicture } from '../inspect/picture.ts'
import { stateWord } from '../pool/narrate.ts'

/** What a state means to a person; each has a colour and a shape of its own. */
export type Tone = 'ready' | 'limited' | 'soon' | 'failing' | 'off' | 'refused'

export interface Badge {
  readonly tone: Tone
  readonly word: string
}

export function badgeOf(account: Pick<AccountPicture, 'state' | 'disabledReason' | 'kind'>): Badge {
  const word: string | undefined = stateWord(account)
  const tone: Tone | undefined = toneOf(account.state, account.disabledReason)
  // The process may be of another version than the page.
  return { tone: tone ?? 'failing', word: word ?? account.state }
}

/** "2 of 3 ready". */
export function readiness(accounts: readonly Pick<AccountPicture, 'state'>[]): string {
  if (accounts.length === 0) return 'no account'
  const ready = accounts.filter(({ state }) => state === 'active').length
  return `${ready} of ${accounts.length} ready`
}

/** What pays for it. */
export function planOf({ kind, plan }: Pick<AccountPicture, 'kind' | 'plan'>): string {
  if (plan !== '') return plan
  return kind === 'apiKey' ? 'API key' : 'plan not known'
}

/** What it does now, part by part. */
export function loadOf({
  inFlight,
  usedElsewhere,
  renewing,
}: Pick<AccountPicture, 'inFlight' | 'usedElsewhere' | 'renewing'>): readonly string[] {
  return [
    `${inFlight} in flight here`,
    `${usedElsewhere} elsewhere`,
    ...(renewing ? ['renewing its token'] : []),
  ]
}

/** Each region with its state: "account.availability.rateLimited" → "availability: rateLimited". */
export function regionsOf(states: readonly string[]): string {
  const deepest = states.filter((state) => !states.some((other) => other.startsWith(`${state}.`)))
  return deepest.map(regionOf).join(', ')
}

/** A sentence of its own. */
export function sentence(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function toneOf(state: AccountPicture['state'], reason: AccountPicture['disabledReason']): Tone {
  switch (state) {
    case 'active':
      return 'ready'
    case 'rateLimited':
      return 'limited'
    case 'cooling':
      return 'soon'
    case 'authFailing':
      return 'failing'
    case 'disabled':
      return reason === 'user' ? 'off' : 'refused'
  }
}

function regionOf(state: string): string {
  const [, region = state, ...rest] = state.split('.')
  return rest.length === 0 ? region : `${region}: ${rest.join('.')}`
}
