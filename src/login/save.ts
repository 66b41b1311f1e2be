import { randomUUID } from 'node:crypto'
import type { Login } from '../provider/login.ts'
import { type StoredAccount, isKeyAccount } from '../store/schema.ts'
import type { AccountStore, StoreProblem } from '../store/store.ts'
import { newAccount, newLabel, tokensOf } from './new-account.ts'

export type SaveResult =
  | {
      readonly ok: true
      /** The account's name for people. */
      readonly label: string
      /** False: an account that was there has new tokens. */
      readonly isNew: boolean
      /** What the person turned off stays off, whatever its tokens. */
      readonly isEnabled: boolean
    }
  | { readonly ok: false; readonly problem: StoreProblem }

/**
 * Writes the tokens of a login into the pool, in one update. Whoever is known there gets that
 * account repaired, everybody else a new one.
 */
export async function saveLogin(
  store: AccountStore,
  login: Login,
  now: () => number,
): Promise<SaveResult> {
  // Drawn here: a change may run more than once.
  const uuid = randomUUID()
  const addedAt = now()
  let isNew = true
  const result = await store.update((document) => {
    const known = ownerOf(login, document.accounts)
    isNew = known === undefined
    if (known === undefined) {
      return { ...document, accounts: [...document.accounts, created()] }
    }
    const accounts = document.accounts.map((account) =>
      account === known ? repaired(known, login) : account,
    )
    return { ...document, accounts }

    function created(): StoredAccount {
      return { ...newAccount(login, uuid, addedAt), label: newLabel(login, document) }
    }
  })
  if (!result.ok) return result
  const { accounts } = result.document
  const position = accounts.findIndex(
    ({ refreshToken }) => refreshToken.reveal() === login.refreshToken.reveal(),
  )
  const account = accounts[position]
  const label = account?.label ?? account?.email ?? `account ${position + 1}`
  return { ok: true, label, isNew, isEnabled: account?.enabled ?? true }
}

/**
 * The account of the same person and seat: one e-mail can own several. An id that only one side
 * knows does not tell them apart, unless it leaves more than one to choose from.
 */
export function ownerOf(
  login: Pick<Login, 'accountId' | 'userId'>,
  accounts: readonly StoredAccount[],
): StoredAccount | undefined {
  if (login.accountId === undefined) return undefined
  const user = userOf(login)
  const same = accounts.filter(
    (account) => account.accountId === login.accountId && !isKeyAccount(account),
  )
  const exact = same.find((account) => user !== undefined && userOf(account) === user)
  if (exact !== undefined) return exact
  const possible = same.filter((account) => user === undefined || userOf(account) === undefined)
  return possible.length === 1 ? possible[0] : undefined
}

/** OpenAI names a seat `USER__ACCOUNT` in one claim and `USER` in another; files hold either. */
function userOf({ userId, accountId }: Pick<Login, 'userId' | 'accountId'>): string | undefined {
  const seat = `__${accountId}`
  return userId?.endsWith(seat) ? userId.slice(0, -seat.length) : userId
}

/** New tokens, and a clean slate. Its limits stay: the provider still counts them. */
function repaired(account: StoredAccount, login: Login): StoredAccount {
  return {
    ...cleared(account),
    ...tokensOf(login),
    accountId: login.accountId ?? account.accountId,
    userId: login.userId ?? account.userId,
    email: login.email ?? account.email,
    planTier: login.planTier ?? account.planTier,
  }
}

/** The account with a token that counts as new, and nothing held against it. */
export function cleared(account: StoredAccount): StoredAccount {
  return {
    ...account,
    tokenVersion: account.tokenVersion + 1,
    isAuthDisabled: false,
    authDisabledReason: undefined,
    disabledReason: account.disabledReason === 'user' ? 'user' : undefined,
    consecutiveAuthFailures: 0,
    authRetryAt: 0,
    strikes: 0,
  }
}
