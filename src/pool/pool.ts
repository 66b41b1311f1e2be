import type { AccountEvent } from '../../machines/account.ts'
import type { LimitRecord } from '../../machines/limits.ts'
import type { AccountView } from '../../machines/view.ts'
import type { Settings } from '../config/schema.ts'
import type { Endpoints } from '../provider/endpoints.ts'
import type { Provider, TransformFlags, Usage } from '../provider/provider.ts'
import type { Credentials } from './credentials.ts'
import type { Recent } from './decisions.ts'
import type { PoolNews } from './events.ts'
import type { PoolInspection } from './inspection.ts'
import type { Place } from './line.ts'
import type { Selection } from './select/selection.ts'
import type { PoolStatus } from './status.ts'
import type { RequestTraits } from './traits.ts'
import type { UsageOutcome } from './usage-reader.ts'

/** The accounts of one provider. The executor asks it and tells it; nobody else sees the machines. */
export interface Pool {
  readonly provider: Provider
  settings(): Settings
  endpoints(): Endpoints
  transforms(): TransformFlags
  /** Follows what other processes changed. Resolves at once, without a read, when nothing did. */
  upToDate(): Promise<void> | undefined
  /**
   * The account for a request. `tried`: accounts it has already been to. `place`: where it waited;
   * the slot that was kept for it is used up or goes to the next in line.
   */
  choose(traits: RequestTraits, tried: ReadonlySet<string>, place?: Place): Selection
  /** A place in the line for requests that find every account busy. */
  enterLine(): Place
  /**
   * Counts a request in flight, in the same turn as its account was chosen. Returns the way to end
   * it, safe to call twice.
   */
  begin(id: string, selection: { readonly probe: boolean }): () => void
  readonly credentials: Credentials
  succeeded(id: string, sentAt: number): void
  limited(id: string, limits: readonly LimitRecord[]): void
  tell(id: string, event: PoolTold): void
  observe(id: string, usage: readonly Usage[]): void
  /**
   * Asks the provider now how much of an account is used. What it proves about limits reaches the
   * account, and through the file every other process. Rejects with the signal's reason.
   */
  readUsage(id: string, signal: AbortSignal): Promise<UsageOutcome>
  view(id: string): AccountView | undefined
  /** Whether there are logins and keys. */
  isMixed(): boolean
  /** How many accounts there are. */
  size(): number
  /** The name people know an account by. */
  labelOf(id: string): string
  /**
   * Resolves when any account changes, or at `until` (epoch ms). False: the pool was closed, so that
   * nothing will change any more.
   */
  changedOrPast(until: number, signal: AbortSignal | undefined): Promise<boolean>
  publish(news: PoolNews): void
  status(): PoolStatus
  /** What happened last in this process, and why. */
  decisions(): Recent
  subscribe(listener: (news: PoolNews) => void): () => void
  readonly inspection: PoolInspection
  /** `settings()` gives something else than before. */
  settingsChanged(): void
  /** Resolves when no token is being spent: a process that ends before may lose a login. */
  whenKept(): Promise<void>
  /** Saves, stops every timer, watcher and actor. Safe to call twice. */
  dispose(): Promise<void>
}

/** What the executor tells an account; the pool adds whether the breaker may open. */
export type PoolTold =
  | Extract<
      AccountEvent,
      { type: 'request.burst' | 'request.withoutToken' | 'user.disabled' | 'user.enabled' }
    >
  | Omit<Extract<AccountEvent, { type: 'request.unauthorized' }>, 'mayDisable'>
  | Omit<Extract<AccountEvent, { type: 'request.refused' }>, 'mayDisable'>
