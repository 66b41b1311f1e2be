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

/** One use of a refresh token, as the provider saw it. Tokens stand for themselves, hashed. */
export interface Spend {
  readonly token: string
  readonly client: string | undefined
  /** When the provider carried it out, epoch ms. */
  readonly at: number
  readonly outcome: 'rotated' | 'reused' | 'revoked' | 'unknown' | 'refused' | 'cut'
}

/** A process that was killed: when it last did anything, epoch ms. */
export interface Death {
  readonly client: string
  readonly at: number
}

export interface SpendReport {
  /** Uses of a spent token by somebody who could have known. */
  readonly avoidable: readonly string[]
  /** Uses of a token whose answer died with its process. */
  readonly inDoubt: number
}

/**
 * Judges every use of a token that was used before. It was in doubt only if the process that used it
 * first was killed before the answer can have been on its disk: at most `answerMs` after the use. It
 * may have fallen asleep for the last time before the provider carried its request out.
 */
export function checkSpends(
  spends: readonly Spend[],
  deaths: readonly Death[],
  answerMs: number,
): SpendReport {
  const avoidable: string[] = []
  const uses = new Map<string, Spend[]>()
  let inDoubt = 0
  for (const spend of spends) {
    const earlier = uses.get(spend.token) ?? []
    uses.set(spend.token, [...earlier, spend])
    const [first, ...more] = earlier
    if (first === undefined) continue
    const died = deaths.some(
      ({ client, at }) => client === first.client && at <= first.at + answerMs,
    )
    if (died && more.length === 0) inDoubt += 1
    else {
      const ago = Math.round((spend.at - first.at) / 100) / 10
      const users = earlier.map(({ client, outcome }) => `${client} (${outcome})`).join(', ')
      avoidable.push(`${spend.client} used a token that ${users} had used ${ago} s before`)
    }
  }
  return { avoidable, inDoubt }
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
