import { fromPromise } from 'xstate'
import {
  type RefreshOutcome,
  type RereadResult,
  type ClaimResult,
  refreshMachine,
} from '../../machines/refresh.ts'
import type { Endpoints } from '../provider/endpoints.ts'
import type { Provider, RefreshAnswer } from '../provider/provider.ts'
import type { SpendClaim, SpendJournal, SpendRecord } from '../store/journal.ts'
import type { StoredAccount } from '../store/schema.ts'
import type { AccountStore } from '../store/store.ts'
import type { World } from '../world.ts'
import type { Sync } from './sync.ts'
import { type Tokens, type Vault, usableCredential } from './vault.ts'

export interface RenewalParts {
  readonly provider: Provider
  readonly endpoints: () => Endpoints
  readonly vault: Vault
  readonly store: AccountStore
  readonly sync: Pick<Sync, 'load' | 'take'>
  readonly journal: SpendJournal
  readonly world: Pick<World, 'fetch' | 'now'>
}

/** A living owner answers within the exchange's own limit; after that we look again later. */
const WAIT_FOR_OWNER_MS = 25_000
/** Longer than any token endpoint takes; after it the answer is in doubt. */
const EXCHANGE_LIMIT_MS = 20_000

/**
 * The steps of the refresh machine. `machines/refresh.ts` says in which order they run, and
 * `docs/decisions/003-spending-refresh-tokens.md` why.
 */
export function provideRenewal(parts: RenewalParts) {
  const { provider, vault, journal, world } = parts

  /** Reads the store and applies what any process has recorded for the token found there. */
  async function reread(id: string): Promise<RereadResult> {
    const before = vault.get(id)
    await parts.sync.load()
    const current = vault.get(id)
    if (current === undefined) return failed('refused', 'the account was removed')
    const record = await journal.read(current.refreshToken)
    if (record !== undefined) return apply(id, current, record)
    const works = usableCredential(current, world.now()) !== undefined
    if (works && before !== undefined && isNewer(current, before)) {
      return { kind: 'renewed', expiresAt: current.expiresAt, version: current.version }
    }
    return { kind: 'current' }
  }

  async function claim(id: string): Promise<ClaimResult> {
    const tokens = vault.get(id)
    if (tokens === undefined) return failed('refused', 'the account was removed')
    const claimed = await follow(id, tokens, await journal.claim(tokens.refreshToken))
    return claimed.kind === 'ours' ? recheck(id, tokens) : claimed
  }

  /** The ticket is ours, but another process may have finished between our read and our claim. */
  async function recheck(id: string, claimed: Tokens): Promise<ClaimResult> {
    await parts.sync.load()
    const current = vault.get(id)
    if (current === undefined || !isNewer(current, claimed)) return { kind: 'ours' }
    await journal.release(claimed.refreshToken)
    return { kind: 'renewed', expiresAt: current.expiresAt, version: current.version }
  }

  async function awaitRecord(id: string): Promise<ClaimResult> {
    const tokens = vault.get(id)
    if (tokens === undefined) return failed('refused', 'the account was removed')
    const found = await journal.wait(tokens.refreshToken, WAIT_FOR_OWNER_MS)
    if (found === undefined) return failed('unavailable', 'another process is still renewing it')
    if (found.kind === 'renewed' || found.kind === 'dead') return apply(id, tokens, found)
    return follow(id, tokens, found)
  }

  async function follow(id: string, tokens: Tokens, claimed: SpendClaim): Promise<ClaimResult> {
    switch (claimed.kind) {
      case 'ours':
      case 'theirs':
        return { kind: claimed.kind }
      case 'spent':
        return apply(id, tokens, claimed.record)
      case 'lost':
        return failed('dead', 'a process ended while renewing it and its new token may be lost')
      case 'unwritable':
        return failed('unavailable', `its renewal could not be saved (${claimed.detail})`)
    }
  }

  /** Never stopped half-way: what the provider answers is recorded even if nobody waits for it. */
  async function exchange(id: string): Promise<RefreshOutcome> {
    const tokens = vault.get(id)
    if (tokens === undefined) return failed('refused', 'the account was removed')
    const answer = await provider.refresh({
      refreshToken: tokens.refreshToken,
      endpoints: parts.endpoints(),
      fetch: world.fetch,
      now: world.now,
      signal: AbortSignal.timeout(EXCHANGE_LIMIT_MS),
    })
    switch (answer.kind) {
      case 'renewed':
        return keep(id, tokens, answer)
      case 'dead':
        return bury(id, tokens, answer.code)
      case 'refused':
        await journal.release(tokens.refreshToken)
        return failed('refused', `the provider answered "${answer.code}"`)
      case 'unavailable':
        return failed('unavailable', answer.detail)
    }
  }

  async function keep(
    id: string,
    spent: Tokens,
    answer: RefreshAnswer & { kind: 'renewed' },
  ): Promise<RefreshOutcome> {
    const { accessToken, refreshToken, expiresAt, accountId, email } = answer
    const record = {
      kind: 'renewed',
      accessToken,
      refreshToken,
      expiresAt,
      accountId,
      email,
    } as const
    // In memory first: should the disk fail now, this process at least goes on.
    const unsaved = takeRecord(vault, id, spent, record)
    try {
      await journal.record(spent.refreshToken, record)
    } catch {
      await merge(id, spent, record)
      return unsaved
    }
    return apply(id, spent, record)
  }

  /** A permanent answer counts only while the store still holds the token that was refused. */
  async function bury(id: string, spent: Tokens, code: string): Promise<RefreshOutcome> {
    await parts.sync.load()
    const current = vault.get(id)
    if (current !== undefined && isNewer(current, spent)) {
      return { kind: 'renewed', expiresAt: current.expiresAt, version: current.version }
    }
    await journal.record(spent.refreshToken, { kind: 'dead', code }).catch(() => {})
    return dead(code)
  }

  async function apply(id: string, spent: Tokens, record: SpendRecord): Promise<RefreshOutcome> {
    if (record.kind === 'dead') return dead(record.code)
    const outcome = takeRecord(vault, id, spent, record)
    await merge(id, spent, record)
    return outcome
  }

  async function merge(
    id: string,
    spent: Tokens,
    record: SpendRecord & { kind: 'renewed' },
  ): Promise<void> {
    const result = await parts.store.update((document) => {
      const account = document.accounts.find(({ uuid }) => uuid === id)
      if (account === undefined || !isSame(account.refreshToken, spent.refreshToken))
        return document
      const renewed = withRecord(account, record)
      return {
        ...document,
        accounts: document.accounts.map((other) => (other === account ? renewed : other)),
      }
    })
    if (result.ok) parts.sync.take(result.document)
  }

  return refreshMachine.provide({
    actors: {
      reread: step(reread),
      claim: step(claim),
      awaitRecord: step(awaitRecord),
      exchange: step(exchange),
    },
  })
}

function step<Result>(run: (id: string) => Promise<Result>) {
  return fromPromise<Result, { id: string }>(({ input }) => run(input.id))
}

function takeRecord(
  vault: Vault,
  id: string,
  spent: Tokens,
  record: SpendRecord & { kind: 'renewed' },
): RefreshOutcome {
  const { accessToken, refreshToken, expiresAt } = record
  const version = spent.version + 1
  const accountId = record.accountId ?? spent.accountId
  vault.set(id, { accessToken, refreshToken, expiresAt, version, accountId })
  return { kind: 'renewed', expiresAt, version }
}

function withRecord(account: StoredAccount, record: SpendRecord & { kind: 'renewed' }) {
  return {
    ...account,
    accessToken: record.accessToken,
    refreshToken: record.refreshToken,
    expiresAt: record.expiresAt,
    accountId: record.accountId ?? account.accountId,
    email: account.email ?? record.email,
    tokenVersion: account.tokenVersion + 1,
  }
}

function isNewer(tokens: Tokens, than: Tokens): boolean {
  return (
    tokens.version > than.version ||
    (tokens.version === than.version && !isSame(tokens.refreshToken, than.refreshToken))
  )
}

function isSame(left: { reveal(): string }, right: { reveal(): string }): boolean {
  return left.reveal() === right.reveal()
}

function failed(failure: 'refused' | 'unavailable' | 'dead', detail: string): RefreshOutcome {
  return { kind: 'failed', failure, detail }
}

function dead(code: string): RefreshOutcome {
  return failed('dead', `the provider no longer accepts its login ("${code}")`)
}
