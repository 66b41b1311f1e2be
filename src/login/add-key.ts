import { randomUUID } from 'node:crypto'
import { API_KEY_PLAN } from '../../machines/facts.ts'
import { cleanMessage } from '../provider/message.ts'
import { type Secret, secret } from '../secret.ts'
import { type StoredAccount, isKeyAccount } from '../store/schema.ts'
import type { AccountStore, StoreDocument } from '../store/store.ts'
import { newAccount, newLabel } from './new-account.ts'
import { type SaveResult, cleared } from './save.ts'
import { isSame } from '../same.ts'

export interface NewKey {
  readonly apiKey: Secret
  /** What the person calls it; empty = nothing. */
  readonly label: string
}

/** Puts an API key into the pool, in one update. A key that is there is enabled, never doubled. */
export async function addKey(
  store: AccountStore,
  { apiKey, label }: NewKey,
  now: () => number,
): Promise<SaveResult> {
  // Drawn here: a change may run more than once.
  const uuid = randomUUID()
  const addedAt = now()
  const name = cleanMessage(label) || 'API key'
  let isNew = true
  const result = await store.update((document) => {
    const known = document.accounts.find((account) => holdsKey(account, apiKey))
    isNew = known === undefined
    if (known === undefined) {
      const created = {
        ...newKey(apiKey, uuid, addedAt),
        label: newLabel({ email: name }, document),
      }
      return { ...document, accounts: [...document.accounts, created] }
    }
    const accounts = document.accounts.map((account) =>
      // Whoever enters a key again says that it works. The provider still counts its limits.
      account === known ? renamed(cleared(account), label, document) : account,
    )
    return { ...document, accounts }
  })
  if (!result.ok) return result
  const account = result.document.accounts.find((each) => holdsKey(each, apiKey))
  return { ok: true, label: account?.label ?? name, isNew, isEnabled: account?.enabled ?? true }
}

/** Whether the account is this key; by their hashes. */
export function holdsKey(account: StoredAccount, apiKey: Secret): boolean {
  const { accessToken } = account
  if (!isKeyAccount(account) || accessToken === undefined) return false
  return isSame(accessToken.reveal(), apiKey.reveal())
}

/** An empty name keeps the one that it has. */
function renamed(account: StoredAccount, label: string, document: StoreDocument): StoredAccount {
  if (cleanMessage(label) === '') return account
  const accounts = document.accounts.filter(({ uuid }) => uuid !== account.uuid)
  return { ...account, label: newLabel({ email: label }, { accounts }) }
}

function newKey(apiKey: Secret, uuid: string, addedAt: number): StoredAccount {
  const key = {
    accessToken: apiKey,
    refreshToken: secret(''),
    expiresAt: undefined,
    accountId: undefined,
    userId: undefined,
    email: undefined,
    planTier: API_KEY_PLAN,
  }
  return newAccount(key, uuid, addedAt)
}
