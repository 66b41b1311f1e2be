import type { AccountFacts } from '../../machines/facts.ts'
import { mergeFacts, sameStoredFacts } from '../../machines/merge.ts'
import type { AccountView } from '../../machines/view.ts'
import type { StoredAccount } from '../store/schema.ts'
import type { AccountStore, StoreDocument, StoreResult } from '../store/store.ts'
import type { World } from '../world.ts'
import { factsOf, withFacts } from './translate.ts'
import { type KnownUsage, storedUsage, withUsage } from './cached-usage.ts'
import { type Vault, takeTokens, versionOf } from './vault.ts'

/** What the store's state leads to. */
type SyncNews =
  | { readonly type: 'store.changed'; readonly accounts: readonly AccountFacts[] }
  | { readonly type: 'store.failed'; readonly problem: string }

export interface SyncParts {
  readonly store: AccountStore
  readonly vault: Vault
  readonly world: Pick<World, 'now' | 'arm' | 'log'>
  /** What the pool knows now. */
  readonly views: () => Readonly<Record<string, AccountView>>
  /** When each account was last used by this process, epoch ms; 0 = never. */
  readonly lastUsedAt: (id: string) => number
  readonly active: () => string | undefined
  /** How much is used as far as known: written with what else is written of an account. */
  readonly usageOf: (id: string) => KnownUsage
  /** What the store knows of it. */
  readonly usageStored: (id: string, stored: KnownUsage) => void
  readonly tell: (news: SyncNews) => void
  /** What people call the file, for messages. */
  readonly accountsFile: string
}

/** Keeps the pool and the store in step. Nobody on the path of a successful request waits for it. */
export interface Sync {
  /** Reads the store and tells the pool. Callers share a read that begins after their call. */
  load(): Promise<void>
  /** Reads only if the file changed since (one `stat`); undefined when all of it is known. */
  loadIfChanged(): Promise<void> | undefined
  /** Applies a document that was read or written elsewhere. */
  take(document: StoreDocument): void
  /** An account's facts changed: write them soon, together with others. */
  save(id: string): void
  /** The provider was asked how much is used: write it soon, and the plan if it named one. */
  saveUsage(id: string, plan: string | undefined): void
  /** Writes what is still to be written. */
  flush(): Promise<void>
  /** The id of the account that the store says was used last. */
  storedActive(): string | undefined
  dispose(): Promise<void>
}

/** Changes of one moment (a limit, the move it causes) are written together. */
const SAVE_AFTER_MS = 50

export function createSync(parts: SyncParts): Sync {
  const { store, vault, world } = parts
  /** What we and the store last agreed on, per account. */
  const agreed = new Map<string, AccountFacts>()
  const unsaved = new Set<string>()
  /** Accounts that were asked about, with the plan that the provider named. */
  const unsavedUsage = new Map<string, string | undefined>()
  let loading: Promise<void> | undefined
  let nextLoading: Promise<void> | undefined
  let saving: Promise<void> = Promise.resolve()
  let cancelSave: (() => void) | undefined
  let storedActive: string | undefined
  /** The revision taken last: what was read before it, and arrives late, is old. */
  let takenRev = 0
  const stopWatching = store.watch(() => void load())
  const said = new Set<string>()

  function load(): Promise<void> {
    if (loading === undefined) {
      loading = read().finally(() => (loading = undefined))
      return loading
    }
    // What is being read now may be older than what the caller has just done.
    nextLoading ??= loading.then(() => {
      nextLoading = undefined
      return load()
    })
    return nextLoading
  }

  async function read(): Promise<void> {
    takeResult(await store.read())
  }

  function takeResult(result: StoreResult): void {
    if (!result.ok) {
      sayOnce('error', result.problem.message)
      return parts.tell({ type: 'store.failed', problem: result.problem.message })
    }
    takeWritten(result)
  }

  function takeWritten(result: StoreResult & { ok: true }): void {
    for (const warning of result.warnings) sayOnce('warn', warning)
    take(result.document)
  }

  function take(document: StoreDocument): void {
    // 0: a program that keeps no count wrote it.
    if (document.rev !== 0 && document.rev < takenRev) return
    takenRev = document.rev
    storedActive = document.activeAccountUuid
    for (const { problem } of document.rejected) {
      sayOnce('warn', `${parts.accountsFile}: ${problem}`)
    }
    const views = parts.views()
    const accounts = document.accounts.map((account, position) => {
      takeTokens(vault, account)
      const usage = storedUsage(account, world.now())
      if (usage !== undefined) parts.usageStored(account.uuid, usage)
      const theirs = storedFacts(account, document, position)
      const merged = mergeWithOurs(theirs, agreed.get(account.uuid), views[account.uuid]?.facts)
      agreed.set(account.uuid, theirs)
      return merged
    })
    forgetAbsent(document)
    parts.tell({ type: 'store.changed', accounts })
  }

  function forgetAbsent(document: StoreDocument): void {
    const present = new Set(document.accounts.map(({ uuid }) => uuid))
    for (const id of agreed.keys()) {
      if (present.has(id)) continue
      agreed.delete(id)
      vault.delete(id)
      unsaved.delete(id)
      unsavedUsage.delete(id)
    }
  }

  /** Our own count of its tokens: other programs renew them without counting. */
  function storedFacts(
    account: StoredAccount,
    { rev }: StoreDocument,
    position: number,
  ): AccountFacts {
    const facts = factsOf(account, { rev, position, now: world.now() })
    return { ...facts, tokenVersion: versionOf(account, vault.get(account.uuid)) }
  }

  function mergeWithOurs(
    theirs: AccountFacts,
    base: AccountFacts | undefined,
    ours: AccountFacts | undefined,
  ): AccountFacts {
    if (ours === undefined || base === undefined) return theirs
    const merged = mergeFacts(base, ours, theirs)
    const nothingNew =
      sameStoredFacts(merged, ours, world.now()) &&
      merged.tokenVersion === ours.tokenVersion &&
      merged.tokenExpiresAt === ours.tokenExpiresAt &&
      merged.label === ours.label &&
      merged.plan === ours.plan
    return nothingNew ? ours : merged
  }

  function save(id: string): void {
    const facts = parts.views()[id]?.facts
    const base = agreed.get(id)
    if (facts === undefined || base === undefined) return
    if (sameStoredFacts(facts, base, world.now())) return
    unsaved.add(id)
    writeSoon()
  }

  function writeSoon(): void {
    cancelSave ??= world.arm(() => void flush(), SAVE_AFTER_MS)
  }

  function flush(): Promise<void> {
    cancelSave?.()
    cancelSave = undefined
    saving = saving.then(write)
    return saving
  }

  async function write(): Promise<void> {
    if (unsaved.size === 0 && unsavedUsage.size === 0) return
    const ids = [...unsaved]
    const plans = new Map(unsavedUsage)
    unsaved.clear()
    unsavedUsage.clear()
    const views = parts.views()
    const result = await store.update((document) => ({
      ...document,
      activeAccountUuid: parts.active() ?? document.activeAccountUuid,
      accounts: document.accounts.map((account, position) => {
        const base = agreed.get(account.uuid)
        const ours = views[account.uuid]?.facts
        const isChanged = ids.includes(account.uuid) || plans.has(account.uuid)
        if (!isChanged || base === undefined || ours === undefined) return account
        const theirs = storedFacts(account, document, position)
        const lastUsed = Math.max(account.lastUsed, parts.lastUsedAt(account.uuid))
        const changed = { ...withFacts(account, mergeFacts(base, ours, theirs)), lastUsed }
        const planTier = plans.get(account.uuid) ?? account.planTier
        return { ...withUsage(changed, parts.usageOf(account.uuid), world.now()), planTier }
      }),
    }))
    if (result.ok) return takeWritten(result)
    // Kept for the next write: what could not be saved still holds in memory.
    for (const id of ids) unsaved.add(id)
    for (const [id, plan] of plans) unsavedUsage.set(id, unsavedUsage.get(id) ?? plan)
    // Usage can be asked again: that it was not kept is nothing a person must know.
    if (ids.length > 0) sayOnce('error', result.problem.message)
  }

  function sayOnce(level: 'warn' | 'error', message: string): void {
    if (said.has(message)) return
    said.add(message)
    world.log(level, message)
  }

  return {
    load,
    // A read that is on its way has seen the file, but nobody has seen what it found.
    loadIfChanged: () => (store.changed() ? load() : loading),
    take,
    save,
    saveUsage(id, plan) {
      unsavedUsage.set(id, plan ?? unsavedUsage.get(id))
      writeSoon()
    },
    flush,
    storedActive: () => storedActive,
    async dispose() {
      stopWatching()
      await flush()
      await store.dispose()
    },
  }
}
