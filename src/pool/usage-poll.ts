import { isApiKey } from '../../machines/facts.ts'
import type { AccountView } from '../../machines/view.ts'
import type { Credential, Provider } from '../provider/provider.ts'
import type { World } from '../world.ts'
import type { KnownUsage } from './cached-usage.ts'
import type { PoolClock } from './clock.ts'
import type { HotStates } from './hot.ts'
import type { Sync } from './sync.ts'
import type { Supervision } from './supervision.ts'
import { ASK_EVERY_MS, type UsagePlans } from './usage-plans.ts'
import type { UsageReader } from './usage-reader.ts'
import { type Vault, usableCredential } from './vault.ts'

export interface UsagePollParts {
  readonly provider: Pick<Provider, 'name'>
  readonly reader: Pick<UsageReader, 'ask' | 'stop'>
  readonly plans: UsagePlans
  readonly vault: Vault
  readonly hot: HotStates
  readonly clock: PoolClock
  readonly world: Pick<World, 'now' | 'random' | 'log'>
  readonly sync: Pick<Sync, 'loadIfChanged'>
  readonly machine: Pick<Supervision, 'viewList'>
}

/** Asks the provider now and then how much is used. Whatever fails in here, nothing else does. */
export interface UsagePoll {
  /** A request leaves: for a while, usage is worth knowing. Costs a comparison. */
  noteUse(): void
  /** A request sent at `sentAt` was refused without a limit: a read soon confirms or lifts the guess. */
  confirm(id: string, sentAt: number): void
  /** What the accounts file knows. Newer than what is known here, another process learned it. */
  takeStored(id: string, stored: KnownUsage): void
  /** Stops, and ends a question that is on its way. */
  dispose(): Promise<void>
}

/** Between two questions of this process, whatever the accounts; spread by up to as much. */
const LOOK_AFTER_MS = 15_000
/** Before a guess is confirmed; spread by up to as much. */
const CONFIRM_AFTER_MS = 1_000
/** Without a request for so long nobody needs to know. */
const IN_USE_MS = 5 * 60_000
/** A token this close to its end is about to be renewed; that is not hurried for a question. */
const EXPIRY_MARGIN_MS = 5_000

export function createUsagePoll(parts: UsagePollParts): UsagePoll {
  const { provider, reader, plans, vault, hot, clock, world, sync, machine } = parts
  /** Accounts that were refused without a reason since they were last asked about. */
  const unconfirmed = new Set<string>()
  let isOver = false
  let lastUse = -Infinity
  let timer: number | undefined
  let lookAt = Infinity
  let looking: Promise<void> | undefined

  const isInUse = () => world.now() - lastUse < IN_USE_MS
  const spread = (ms: number) => Math.round(ms * (1 + world.random()))

  /** Looks once after `ms`, or sooner if that is planned. */
  function lookWithin(ms: number): void {
    const at = world.now() + ms
    if (isOver || looking !== undefined || (timer !== undefined && lookAt <= at)) return
    if (timer !== undefined) clock.clearTimeout(timer)
    lookAt = at
    timer = clock.setTimeout(() => {
      timer = undefined
      looking = look().finally(() => {
        looking = undefined
        if (nextDue()?.isUnconfirmed) lookWithin(spread(CONFIRM_AFTER_MS))
        else if (isInUse()) lookWithin(spread(LOOK_AFTER_MS))
      })
    }, ms)
  }

  async function look(): Promise<void> {
    try {
      // What another process has learned meanwhile need not be asked.
      await sync.loadIfChanged()
      const due = isOver ? undefined : nextDue()
      if (due !== undefined) await ask(due)
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown fault'
      world.log('debug', `The usage of ${provider.name} accounts is not read: ${why}`)
    }
  }

  /** The account that is worth a question now: one that waits for an answer, else the least known. */
  function nextDue() {
    const due = machine.viewList().flatMap((view) => {
      const isUnconfirmed = waitsForAnswer(view)
      const credential = mayAsk(view) ? credentialOf(view.id) : undefined
      const { usageAt } = hot.of(view.id)
      const isOld = isInUse() && world.now() - usageAt >= ASK_EVERY_MS
      if (credential === undefined || !(isUnconfirmed || isOld)) return []
      return [{ view, credential, isUnconfirmed, usageAt }]
    })
    const [first] = due.toSorted(
      (one, other) =>
        Number(other.isUnconfirmed) - Number(one.isUnconfirmed) || one.usageAt - other.usageAt,
    )
    return first
  }

  function waitsForAnswer({ id, facts }: AccountView): boolean {
    if (!unconfirmed.has(id)) return false
    const isGuessed = facts.limits.some(
      ({ source, until }) => source === 'guess' && until > world.now(),
    )
    if (!isGuessed) unconfirmed.delete(id)
    return isGuessed
  }

  /** Where the provider itself named the limit, an answer would change nothing. */
  function mayAsk({ id, state, renewing, facts }: AccountView): boolean {
    // A key has no windows to ask about.
    if (isApiKey(facts)) return false
    if (state === 'disabled' || state === 'authFailing' || renewing || !plans.mayAsk(id))
      return false
    return !facts.limits.some(
      ({ scope, source, until }) =>
        scope === 'account' && source !== 'guess' && until > world.now(),
    )
  }

  function credentialOf(id: string): Credential | undefined {
    const tokens = vault.get(id)
    if (tokens === undefined) return undefined
    return usableCredential(tokens, world.now() + EXPIRY_MARGIN_MS)
  }

  interface Due {
    readonly view: AccountView
    readonly credential: Credential
  }

  async function ask({ view, credential }: Due): Promise<void> {
    const { id, facts } = view
    const answer = await reader.ask(id, credential)
    if (answer === undefined) return
    if (answer.kind === 'unavailable') {
      const { detail, retryAfterMs } = answer
      const minutes = Math.round(plans.failed(id, retryAfterMs) / 60_000)
      const next = `next in ${minutes} min at the earliest`
      return world.log('debug', `The usage of ${facts.label} was not read (${detail}); ${next}.`)
    }
    unconfirmed.delete(id)
  }

  return {
    noteUse() {
      lastUse = world.now()
      if (timer === undefined) lookWithin(spread(LOOK_AFTER_MS))
    },
    confirm(id, sentAt) {
      // The refusal itself told the windows: an answer would say the same.
      if (hot.of(id).usageAt >= sentAt) return
      unconfirmed.add(id)
      if (plans.mayAsk(id)) lookWithin(spread(CONFIRM_AFTER_MS))
    },
    takeStored(id, { usage, usageAt }) {
      if (usageAt <= hot.of(id).usageAt) return
      hot.observe(id, usage, usageAt)
      plans.known(id, usageAt)
    },
    async dispose() {
      isOver = true
      reader.stop()
      if (timer !== undefined) clock.clearTimeout(timer)
      await looking
    },
  }
}
