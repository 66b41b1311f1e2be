import type { History } from './history.ts'

/** The counters that stand in the file at the end. */
export interface FinalCounters {
  readonly shared: number
  readonly own: Readonly<Record<string, number>>
}

/**
 * What is wrong with the histories of processes that raise two counters with each mutation: one of
 * their own, and one that all share. `histories`: in the order of their start.
 */
export function checkMutations(
  histories: readonly History[],
  final: FinalCounters,
): readonly string[] {
  const violations: string[] = []
  const sharedValues = new Map<number, string>()
  let acks = 0
  let intents = 0
  for (const [name, own] of byName(histories)) {
    let last = 0
    let intended = 0
    for (const history of own) {
      const open = new Set<number>()
      for (const event of history.events) {
        if (event.kind === 'intent') {
          intended += 1
          open.add(event.seq)
          continue
        }
        if (event.kind !== 'ack') continue
        acks += 1
        if (!open.delete(event.seq)) violations.push(`${name}: ${event.seq} was confirmed unasked`)
        if (event.own <= last)
          violations.push(`${name}: its counter went from ${last} to ${event.own}`)
        last = Math.max(last, event.own)
        const other = sharedValues.get(event.shared)
        if (other !== undefined) {
          violations.push(`${name} and ${other} both raised the shared counter to ${event.shared}`)
        }
        sharedValues.set(event.shared, name)
      }
      violations.push(...tornInTheMiddle(history))
      if (open.size > 1) violations.push(`${name}: ${open.size} mutations were never confirmed`)
    }
    intents += intended
    const end = final.own[name] ?? 0
    if (end < last) violations.push(`${name}: confirmed ${last}, but the file ends at ${end}`)
    if (end > intended)
      violations.push(`${name}: the file ends at ${end} after ${intended} mutations`)
  }
  if (final.shared < acks)
    violations.push(`${acks} were confirmed, the file counts ${final.shared}`)
  if (final.shared > intents)
    violations.push(`${intents} were begun, the file counts ${final.shared}`)
  return violations
}

/** One use of a refresh token, as the provider saw it. */
export interface Spend {
  /** Hashed. */
  readonly token: string
  readonly client: string
  /** When the provider carried it out, epoch ms. */
  readonly at: number
  readonly outcome: 'rotated' | 'reused' | 'revoked' | 'unknown' | 'refused' | 'cut'
}

/** A process that was killed. Tokens are hashed. */
export interface Death {
  readonly client: string
  /** Those that were being renewed, or stood in the file, and had no answer on the disk. */
  readonly unanswered: ReadonlySet<string>
  /** Those among them that it had the right to spend. */
  readonly held: ReadonlySet<string>
}

/** A process that was stopped, from when to when, epoch ms. */
export interface Nap {
  readonly client: string
  readonly from: number
  readonly to: number
}

export interface SpendReport {
  /** Uses of a spent token by somebody who could have known. */
  readonly avoidable: readonly string[]
  /** Uses of a token whose answer died with its process. */
  readonly inDoubt: number
}

/**
 * Judges every use of a token that was used before. One more use is in doubt if the first user was
 * killed and the disk had no answer then, or if the same process asks again after it slept through
 * `limitMs`, the time an exchange may take. All else could have been known.
 */
export function checkSpends(
  spends: readonly Spend[],
  deaths: readonly Death[],
  naps: readonly Nap[],
  limitMs: number,
): SpendReport {
  const avoidable: string[] = []
  const uses = new Map<string, Spend[]>()
  let inDoubt = 0
  for (const spend of spends) {
    const earlier = uses.get(spend.token) ?? []
    uses.set(spend.token, [...earlier, spend])
    const [first, ...more] = earlier
    if (first === undefined) continue
    if (more.length === 0 && (isLostWith(first, deaths) || isAskedAgain(first, spend))) {
      inDoubt += 1
      continue
    }
    const ago = ((spend.at - first.at) / 1_000).toFixed(1)
    const users = earlier.map(({ client, outcome }) => `${client} (${outcome})`).join(', ')
    avoidable.push(`${spend.client} used a token that ${users} had used ${ago} s before`)
  }
  return { avoidable, inDoubt }

  function isAskedAgain(first: Spend, again: Spend): boolean {
    const asleep = naps
      .filter(({ client }) => client === first.client)
      .map(({ from, to }) => Math.min(to, again.at) - Math.max(from, first.at))
      .filter((ms) => ms > 0)
    return first.client === again.client && asleep.reduce((sum, ms) => sum + ms, 0) >= limitMs
  }
}

/** Whether the first use of the token has left no answer, as its process was killed. */
export function hasLostAnswer(
  token: string,
  spends: readonly Spend[],
  deaths: readonly Death[],
): boolean {
  const first = spends.find((spend) => spend.token === token)
  return first !== undefined && isLostWith(first, deaths)
}

/** How many were killed while they had the right to spend the token. */
export function diedWith(token: string, deaths: readonly Death[]): number {
  return deaths.filter(({ held }) => held.has(token)).length
}

function isLostWith({ client, token }: Spend, deaths: readonly Death[]): boolean {
  return deaths.some((death) => death.client === client && death.unanswered.has(token))
}

/** How an account stands at the end: in the file, and at the provider. */
export interface FinalAccount {
  readonly account: string
  readonly version: number
  /** Hashed. */
  readonly token: string
  /** Why the file says that it needs a login; undefined when it says nothing of the kind. */
  readonly disabledReason: string | undefined
  /** The provider's newest token, hashed; undefined when no token of it works any more. */
  readonly newest: string | undefined
  /** The answer to the use of `token` died with its process: only a login can help. */
  readonly isInDoubt: boolean
  /** How many were killed while they had the right to spend `token`. */
  readonly deadOwners: number
}

/** After so many nobody tries again: the protocol says that the login is lost, though it may not be. */
const DEAD_OWNERS_UNTIL_LOST = 2

/**
 * What is wrong with the tokens that processes saw in the file, and with those that stand there at
 * the end: the newest of each account, or a typed word that it needs a login.
 */
export function checkTokens(
  histories: readonly History[],
  final: readonly FinalAccount[],
): readonly string[] {
  const violations: string[] = []
  const highest = new Map<string, number>()
  for (const history of histories) {
    violations.push(...tornInTheMiddle(history))
    const last = new Map<string, number>()
    for (const event of history.events) {
      if (event.kind !== 'seen') continue
      const { account, version } = event
      const before = last.get(account) ?? 0
      if (version < before) {
        violations.push(
          `${history.name}: the token of ${account} went from ${before} to ${version}`,
        )
      }
      last.set(account, version)
      highest.set(account, Math.max(highest.get(account) ?? 0, version))
    }
  }
  const ends = new Map(final.map((end) => [end.account, end]))
  for (const [account, version] of highest) {
    const end = ends.get(account)
    if (end === undefined) violations.push(`${account} is not there at the end`)
    else if (end.version < version) {
      violations.push(`${account}: ${version} was seen, but the file ends at ${end.version}`)
    }
  }
  return [...violations, ...final.flatMap(wrongEnd)]
}

function wrongEnd(end: FinalAccount): string[] {
  const { account, token, disabledReason, newest, isInDoubt, deadOwners } = end
  const needsLogin = disabledReason === 'lost' || disabledReason === 'revoked'
  if (newest === undefined) {
    // `auth` was there first when its token was refused too often: people are told to sign in, too.
    const isTold = needsLogin || disabledReason === 'auth'
    return isTold ? [] : [`${account} needs a login, and the file does not say so`]
  }
  // Whoever asks next will learn it.
  if (isInDoubt) return []
  if (needsLogin) {
    const isGivenUp = disabledReason === 'lost' && deadOwners >= DEAD_OWNERS_UNTIL_LOST
    return isGivenUp ? [] : [`${account} works, and the file says "${disabledReason}"`]
  }
  return token === newest ? [] : [`${account}: the file does not end with its newest token`]
}

function byName(histories: readonly History[]): Map<string, History[]> {
  const groups = new Map<string, History[]>()
  for (const history of histories) {
    groups.set(history.name, [...(groups.get(history.name) ?? []), history])
  }
  return groups
}

function tornInTheMiddle({ name, torn, lines }: History): string[] {
  return torn
    .filter((index) => index !== lines - 1)
    .map((index) => `${name}: line ${index + 1} of its history is torn`)
}
