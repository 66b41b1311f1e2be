import type { RefreshOutcome } from '../../machines/refresh.ts'
import type { SpendJournal, SpendRecord } from '../store/journal.ts'
import { withRenewal } from '../store/roll-forward.ts'
import type { AccountStore } from '../store/store.ts'
import type { RenewedTokens } from '../tokens.ts'
import type { World } from '../world.ts'
import type { Sync } from './sync.ts'
import { type Tokens, type Vault, isNewer } from './vault.ts'

export interface AnswersParts {
  readonly vault: Vault
  readonly store: AccountStore
  readonly sync: Pick<Sync, 'load' | 'take'>
  readonly journal: SpendJournal
  readonly world: Pick<World, 'arm'>
}

/** How often an answer that the disk did not take is offered to it again. */
const RECORD_AGAIN_MS = 5_000
/** More renewals than any disk fault lasts. */
const MOST_REMEMBERED = 50

/** What becomes of the answer to a renewal: first the journal, then memory and the store. */
export function createAnswers({ vault, store, sync, journal, world }: AnswersParts) {
  /** Answers that the disk has not taken yet. */
  const unrecorded = new Map<Tokens, SpendRecord>()

  /** Why `tokens` need not be spent, if so: there are newer ones, or the account is gone. */
  function overtaken(id: string, tokens: Tokens): RefreshOutcome | undefined {
    const current = vault.get(id)
    if (current === undefined) return STOPPED
    return isNewer(current, tokens) ? renewedTo(current) : undefined
  }

  async function keep(
    id: string,
    spent: Tokens,
    answer: SpendRecord & { kind: 'renewed' },
  ): Promise<RefreshOutcome> {
    const isRotated = !isSame(answer.refreshToken, spent.refreshToken)
    // What was not spent needs no record: the ticket may be used again.
    if (isRotated) await write(spent, answer)
    else await journal.release(spent.refreshToken)
    return take(id, spent, answer)
  }

  /** Should the disk fail just now, this process at least goes on with the token, and tries again. */
  async function write(spent: Tokens, answer: SpendRecord): Promise<void> {
    try {
      await journal.record(spent.refreshToken, answer)
      unrecorded.delete(spent)
    } catch {
      unrecorded.set(spent, answer)
      world.arm(() => void write(spent, answer), RECORD_AGAIN_MS)
    }
  }

  async function writeUnrecorded(): Promise<void> {
    await Promise.all([...unrecorded].map(async ([spent, answer]) => write(spent, answer)))
  }

  /** A permanent answer counts only while the store still holds the token that was refused. */
  async function bury(
    id: string,
    spent: Tokens,
    answer: SpendRecord & { kind: 'dead' },
  ): Promise<RefreshOutcome> {
    await sync.load()
    const { refreshToken } = spent
    const [found] = await journal.spent([refreshToken])
    // Nobody who still holds it may try again; what it once brought stays.
    if (found === undefined) {
      await journal.record(refreshToken, answer).catch(() => journal.leaveInDoubt(refreshToken))
    } else await journal.release(refreshToken)
    return refused(id, spent, answer)
  }

  async function apply(id: string, spent: Tokens, found: SpendRecord): Promise<RefreshOutcome> {
    return found.kind === 'dead' ? refused(id, spent, found) : take(id, spent, found)
  }

  function refused(id: string, spent: Tokens, answer: SpendRecord & { kind: 'dead' }) {
    return unlessOvertaken(id, spent, dead(answer))
  }

  /** A login that arrived meanwhile must not be blamed for what became of the token before it. */
  function unlessOvertaken(id: string, spent: Tokens, end: RefreshOutcome): RefreshOutcome {
    const outcome = overtaken(id, spent)
    return outcome?.kind === 'renewed' ? outcome : end
  }

  /** Uses the new token, and merges it into the store if that still holds the old one. */
  async function take(id: string, spent: Tokens, renewed: RenewedTokens): Promise<RefreshOutcome> {
    // A new login, or another reader of the record, was faster.
    const outcome = overtaken(id, spent)
    if (outcome !== undefined) return outcome
    const { accessToken, refreshToken, expiresAt } = renewed
    const version = spent.version + 1
    const accountId = renewed.accountId ?? spent.accountId
    const isRotated = !isSame(refreshToken, spent.refreshToken)
    const from = isRotated ? [spent.refreshToken, ...(spent.from ?? [])] : (spent.from ?? [])
    vault.set(id, {
      accessToken,
      refreshToken,
      expiresAt,
      version,
      accountId,
      from: from.slice(0, MOST_REMEMBERED),
    })
    const result = await store.update((document) =>
      withRenewal(document, { spent: spent.refreshToken, renewed }),
    )
    if (result.ok) sync.take(result.document)
    return { kind: 'renewed', expiresAt, version }
  }

  return { overtaken, unlessOvertaken, keep, bury, apply, writeUnrecorded }
}

export const STOPPED = failed('unavailable', 'the account was removed')

export function renewedTo({ expiresAt, version }: Tokens): RefreshOutcome {
  return { kind: 'renewed', expiresAt, version }
}

export function failed(
  failure: (RefreshOutcome & { kind: 'failed' })['failure'],
  detail: string,
): RefreshOutcome {
  return { kind: 'failed', failure, detail }
}

function dead({ code, inDoubt }: SpendRecord & { kind: 'dead' }): RefreshOutcome {
  return inDoubt
    ? failed('lost', `an earlier renewal was cut off, and now the provider answers "${code}"`)
    : failed('dead', `the provider no longer accepts its login ("${code}")`)
}

function isSame(left: { reveal(): string }, right: { reveal(): string }): boolean {
  return left.reveal() === right.reveal()
}
