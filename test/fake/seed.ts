import type { Account } from './accounts.ts'
import type { TokenPair } from './ledger.ts'

/** One account of the accounts file, with the fields that every version of the format knows. */
interface SeedAccount {
  readonly uuid: string
  readonly accountId: string
  readonly userId: string
  readonly label: string
  readonly email: string
  readonly planTier: string
  readonly refreshToken: string
  readonly accessToken: string
  readonly expiresAt: number
  readonly addedAt: number
  readonly lastUsed: number
  readonly enabled: boolean
  readonly consecutiveAuthFailures: number
  readonly isAuthDisabled: boolean
}

export interface Seed {
  readonly version: 1
  readonly accounts: readonly SeedAccount[]
}

export function seedOf(
  members: readonly { readonly account: Account; readonly tokens: TokenPair | undefined }[],
): Seed {
  return {
    version: 1,
    accounts: members.flatMap(({ account, tokens }) => {
      const { apiKey } = account
      if (apiKey !== undefined) return [seedAccount(account, { ...NO_TOKENS, accessToken: apiKey })]
      return tokens === undefined ? [] : [seedAccount(account, tokens)]
    }),
  }
}

/** As a key stands in the file: see `docs/accounts-file.md`. */
const NO_TOKENS = { refreshToken: '', expiresAt: 0 }

function seedAccount(
  account: Account,
  tokens: Pick<TokenPair, 'accessToken' | 'refreshToken' | 'expiresAt'>,
): SeedAccount {
  return {
    uuid: account.uuid,
    accountId: account.accountId,
    userId: account.userId,
    label: account.name,
    email: account.email,
    planTier: account.apiKey === undefined ? account.planTier : 'apiKey',
    refreshToken: tokens.refreshToken,
    accessToken: tokens.accessToken,
    expiresAt: tokens.expiresAt,
    addedAt: Date.now(),
    lastUsed: 0,
    enabled: true,
    consecutiveAuthFailures: 0,
    isAuthDisabled: false,
  }
}
