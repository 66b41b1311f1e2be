import { API_KEY_PLAN } from '../../machines/facts.ts'
import { type StoredAccount, isKeyAccount, isNone } from './schema.ts'

type Entry = Readonly<Record<string, unknown>>

/**
 * For readers of the original format, which take a whole file for damaged when one entry lacks a
 * field, and drop the fields that they do not know: an API key has every field of a login, keeps
 * its key in one of them, and is a login that they do not use.
 */
const NOT_A_LOGIN = 'This is an API key, not a login. Only opencode-rota uses it.'

/** What stands in the file for a key; `fields` is the entry as a login would have it. */
export function writtenKey(account: StoredAccount, fields: Entry): Entry {
  if (!isKeyAccount(account)) return fields
  const authDisabledReason = account.authDisabledReason ?? NOT_A_LOGIN
  return { ...fields, isAuthDisabled: true, authDisabledReason }
}

/** The account that an entry stands for; undefined when it holds neither a login nor a key. */
export function readKey(account: StoredAccount): StoredAccount | undefined {
  if (!isNone(account.refreshToken)) return account
  if (!isKeyAccount(account) || account.accessToken === undefined) return undefined
  const { disabledReason, authDisabledReason } = account
  const isAuthDisabled = disabledReason !== undefined && disabledReason !== 'user'
  return {
    ...account,
    // A key does not end, and nothing renews it.
    expiresAt: undefined,
    consecutiveAuthFailures: 0,
    authRetryAt: 0,
    isAuthDisabled,
    authDisabledReason: isAuthDisabled ? without(NOT_A_LOGIN, authDisabledReason) : undefined,
  }
}

/** `apiKey` is the short way to write one by hand. */
export function spelledOut(entry: Entry): Entry {
  const { apiKey, ...rest } = entry
  if (typeof apiKey !== 'string' || Object.hasOwn(rest, 'refreshToken')) return entry
  return { ...rest, planTier: API_KEY_PLAN, refreshToken: '', accessToken: apiKey }
}

function without(note: string, reason: string | undefined): string | undefined {
  return reason === note ? undefined : reason
}
