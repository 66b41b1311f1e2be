import { randomBytes, randomUUID } from 'node:crypto'
import type { Behavior, Window } from './behaviors.ts'

export interface AccountSpec {
  readonly name: string
  /** Default `<name>@example.test`. */
  readonly email?: string
  /** Default `max` for Anthropic, `plus` for OpenAI. */
  readonly planTier?: string
  /** The provider's ids; default: of nobody else. */
  readonly accountId?: string
  readonly userId?: string
  /** It is an API key, and not a login. */
  readonly isKey?: true
  readonly behavior?: Behavior
  /** Percent used, per window. */
  readonly usage?: Usage
}

export type Usage = Readonly<Partial<Record<Window, number>>>

export interface WindowState {
  /** 0–100. */
  readonly percent: number
  /** Epoch ms. */
  readonly resetsAt: number
}

export interface Account {
  readonly name: string
  /** The key in the accounts file. */
  readonly uuid: string
  /** The provider's ids. */
  readonly accountId: string
  readonly userId: string
  readonly email: string
  readonly planTier: string
  /** Undefined: it is a login. */
  readonly apiKey: string | undefined
  readonly windows: Map<Window, WindowState>
}

const HOUR = 3_600_000
const LENGTHS: Readonly<Record<Window, number>> = {
  session: 5 * HOUR,
  weekly: 7 * 24 * HOUR,
  sonnet: 7 * 24 * HOUR,
  opus: 7 * 24 * HOUR,
}

export function createAccount(spec: AccountSpec, defaultPlan: string): Account {
  const account: Account = {
    name: spec.name,
    uuid: randomUUID(),
    accountId: spec.accountId ?? randomUUID(),
    userId: spec.userId ?? `user-${randomUUID()}`,
    email: spec.email ?? `${spec.name}@example.test`,
    planTier: spec.planTier ?? defaultPlan,
    apiKey: spec.isKey && `canary-key-${spec.name}-${randomBytes(9).toString('hex')}`,
    windows: new Map(),
  }
  setUsage(account, { session: 10, weekly: 20, ...spec.usage })
  return account
}

export function setUsage(account: Account, usage: Usage): void {
  const windows: readonly Window[] = ['session', 'weekly', 'sonnet', 'opus']
  for (const window of windows) {
    const percent = usage[window]
    if (percent === undefined) continue
    account.windows.set(window, { percent, resetsAt: windowOf(account, window).resetsAt })
  }
}

/** A window as it is now: past its reset it starts again, empty. */
export function windowOf(account: Account, window: Window): WindowState {
  const state = account.windows.get(window)
  if (state !== undefined && Date.now() < state.resetsAt) return state
  return { percent: 0, resetsAt: Date.now() + LENGTHS[window] }
}

export function isUsedUp({ percent }: WindowState): boolean {
  return percent >= 100
}
