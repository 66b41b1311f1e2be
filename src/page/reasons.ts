import type { LimitRecord } from '../../machines/limits.ts'
import type { AccountPicture } from '../inspect/picture.ts'
import { explainLimit } from '../pool/status.ts'
import { usageAge } from './bars.ts'
import { ago, clock, countdown } from './time.ts'
import { badgeOf, sentence } from './words.ts'

/** All that is known of why an account is as it is, the most important first. */
export function reasonsOf(account: AccountPicture, now: number): readonly string[] {
  const { state, why, since, renewing, lastError } = account
  const { word } = badgeOf(account)
  const start = since === 0 ? '' : ` since ${clock(since, now, true)}`
  return [
    ...(state === 'active' ? [] : [sentence(why)]),
    sentence(`${word}${start}${back(account, now)}`),
    ...otherLimits(account, now).map((limit) =>
      sentence(`${explainLimit(limit)} until ${clock(limit.until, now)}`),
    ),
    ...(renewing ? ['Its token is being renewed.'] : []),
    ...(lastError === undefined
      ? []
      : [sentence(`last refusal, ${ago(now - lastError.at)}: ${lastError.words}`)]),
    ...[usageAge(account, now)].filter((words) => words !== '').map(sentence),
  ]
}

/** When it is back by itself: the moment that its card counts down to. */
export function returnOf({
  state,
  backAt,
}: Pick<AccountPicture, 'state' | 'backAt'>): number | undefined {
  return state === 'active' || state === 'cooling' ? undefined : backAt
}

/** The current limits but the one that the state already tells. */
function otherLimits(
  { state, limits, backAt }: Pick<AccountPicture, 'state' | 'limits' | 'backAt'>,
  now: number,
): readonly LimitRecord[] {
  return limits.filter(
    ({ scope, until }) =>
      until > now && !(state === 'rateLimited' && scope === 'account' && until === backAt),
  )
}

function back(account: AccountPicture, now: number): string {
  const at = returnOf(account)
  if (at === undefined) return ''
  const word = account.state === 'authFailing' ? 'tried again' : 'back'
  return at <= now ? `, ${word} any moment` : `, ${word} in ${countdown(at - now)}`
}
