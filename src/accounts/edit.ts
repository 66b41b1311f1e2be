import { holdsKey } from '../login/add-key.ts'
import { cleared } from '../login/save.ts'
import { cleanMessage } from '../provider/message.ts'
import type { Secret } from '../secret.ts'
import { type StoredAccount, isLoginGone } from '../store/schema.ts'
import type { AccountStore, StoreDocument, StoreProblem } from '../store/store.ts'
import { labelAt } from './label.ts'

/** What a change by the person led to. `label`: what the account is called now. */
export type EditResult =
  | { readonly kind: 'changed'; readonly label: string }
  /** It was so already, and nothing was written. */
  | { readonly kind: 'unchanged'; readonly label: string }
  /** Another account has this name. */
  | { readonly kind: 'taken'; readonly label: string }
  /** A name without a visible character, or one too long. */
  | { readonly kind: 'unusable' }
  /** Another account has this key. */
  | { readonly kind: 'inUse'; readonly label: string }
  /** It serves only after a new login; nothing was written. */
  | { readonly kind: 'needsLogin'; readonly label: string }
  /** Another process removed the account meanwhile. */
  | { readonly kind: 'gone' }
  | Failed

export type RemovedAll = { readonly kind: 'removed'; readonly count: number } | Failed

interface Failed {
  readonly kind: 'failed'
  readonly problem: StoreProblem
}

/** More would not fit on a line of a terminal beside the state. */
const LONGEST_NAME = 60

/** Gives an account another name. No two accounts have the same. */
export async function renameAccount(
  store: AccountStore,
  uuid: string,
  name: string,
): Promise<EditResult> {
  const label = cleanMessage(name)
  if (label === '' || label.length > LONGEST_NAME) return { kind: 'unusable' }
  return edit(store, uuid, (account, { accounts }) => {
    const isTaken = accounts.some(
      (other, position) => other.uuid !== uuid && isSameName(labelAt(other, position), label),
    )
    if (isTaken) return { kind: 'taken', label }
    return account.label === label ? undefined : { ...account, label }
  })
}

/**
 * Lets an account serve again. One that needs a new login stays as it is: trying its token once
 * more would not help.
 */
export function enableAccount(store: AccountStore, uuid: string): Promise<EditResult> {
  return edit(store, uuid, (account, _document, label) => {
    const { enabled, isAuthDisabled } = account
    if (enabled && !isAuthDisabled) return undefined
    if (enabled && isLoginGone(account)) return { kind: 'needsLogin', label }
    return { ...account, ...SWITCHED_ON, enabled: true }
  })
}

/** Keeps an account out, whatever its token, until the person lets it in again. */
export function disableAccount(store: AccountStore, uuid: string): Promise<EditResult> {
  return edit(store, uuid, (account) => {
    if (!account.enabled) return undefined
    return { ...account, ...SWITCHED_ON, enabled: false, disabledReason: 'user' }
  })
}

/** Gives an account that is an API key another key. Its limits stay: keys of one owner share them. */
export function replaceKey(store: AccountStore, uuid: string, apiKey: Secret): Promise<EditResult> {
  return edit(store, uuid, (account, { accounts }) => {
    const owner = accounts.findIndex((other) => holdsKey(other, apiKey))
    const other = accounts[owner]
    if (other !== undefined && other !== account) {
      return { kind: 'inUse', label: labelAt(other, owner) }
    }
    return { ...cleared(account), accessToken: apiKey }
  })
}

/** Puts an account at a place in the order, 1 = first; a place beyond the last is the last. */
export async function moveAccount(
  store: AccountStore,
  uuid: string,
  place: number,
): Promise<EditResult> {
  return change(store, uuid, (document, account, label) => {
    const others = document.accounts.filter((other) => other !== account)
    const index = Math.min(Math.max(1, Math.trunc(place)), others.length + 1) - 1
    if (document.accounts[index] === account) return { document, result: unchanged(label) }
    const accounts = [...others.slice(0, index), account, ...others.slice(index)]
    return { document: { ...document, accounts }, result: { kind: 'changed', label } }
  })
}

export async function removeAccount(store: AccountStore, uuid: string): Promise<EditResult> {
  return change(store, uuid, (document, account, label) => ({
    document: {
      ...document,
      activeAccountUuid:
        document.activeAccountUuid === uuid ? undefined : document.activeAccountUuid,
      accounts: document.accounts.filter((other) => other !== account),
    },
    result: { kind: 'changed', label },
  }))
}

/** Removes every account, those that cannot be read among them: they may hold tokens too. */
export async function removeAllAccounts(store: AccountStore): Promise<RemovedAll> {
  let count = 0
  const result = await store.update((document) => {
    count = document.accounts.length + document.rejected.length
    if (count === 0) return document
    return { ...document, activeAccountUuid: undefined, accounts: [], rejected: [] }
  })
  return result.ok ? { kind: 'removed', count } : { kind: 'failed', problem: result.problem }
}

/** Nothing but the person's own decision keeps it out. */
const SWITCHED_ON = {
  isAuthDisabled: false,
  authDisabledReason: undefined,
  disabledReason: undefined,
  consecutiveAuthFailures: 0,
  authRetryAt: 0,
} as const satisfies Partial<StoredAccount>

type Refusal = Extract<EditResult, { kind: 'taken' | 'inUse' | 'needsLogin' }>

/** Changes one account; undefined = it is as wanted. */
function edit(
  store: AccountStore,
  uuid: string,
  next: (
    account: StoredAccount,
    document: StoreDocument,
    label: string,
  ) => StoredAccount | Refusal | undefined,
): Promise<EditResult> {
  return change(store, uuid, (document, account, label) => {
    const changed = next(account, document, label)
    if (changed === undefined) return { document, result: unchanged(label) }
    if ('kind' in changed) return { document, result: changed }
    const accounts = document.accounts.map((each) => (each === account ? changed : each))
    const result = { kind: 'changed', label: changed.label ?? label } as const
    return { document: { ...document, accounts }, result }
  })
}

/** One update, which may run more than once: the last run counts. */
async function change(
  store: AccountStore,
  uuid: string,
  next: (
    document: StoreDocument,
    account: StoredAccount,
    label: string,
  ) => { readonly document: StoreDocument; readonly result: EditResult },
): Promise<EditResult> {
  let outcome: EditResult = { kind: 'gone' }
  const written = await store.update((document) => {
    const position = document.accounts.findIndex((account) => account.uuid === uuid)
    const account = document.accounts[position]
    const done =
      account === undefined
        ? { document, result: { kind: 'gone' } as const }
        : next(document, account, labelAt(account, position))
    outcome = done.result
    return done.document
  })
  return written.ok ? outcome : { kind: 'failed', problem: written.problem }
}

function unchanged(label: string): EditResult {
  return { kind: 'unchanged', label }
}

/** Names that differ in case alone are told apart by nobody. */
function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
