import type { Secret } from '../secret.ts'
import type { RenewedTokens } from '../tokens.ts'
import type { SpendJournal } from './journal.ts'
import { type StoredAccount, isDisabledForToken, refreshTokens } from './schema.ts'
import type { AccountStore, StoreDocument, StoreResult } from './store.ts'

/**
 * A store whose every read applies what the journal has recorded: a renewed token whose writing
 * into the accounts file was lost, by a crash or a full disk, is in the next document all the same.
 */
export function rollForward(store: AccountStore, journal: SpendJournal): AccountStore {
  return {
    ...store,
    read: async () => forward(await store.read()),
    update: async (change) => forward(await store.update(change)),
  }

  async function forward(result: StoreResult): Promise<StoreResult> {
    if (!result.ok) return result
    const renewals = await pending(result.document, journal)
    if (renewals.length === 0) return result
    const apply = (document: StoreDocument) => renewals.reduce(withRenewal, document)
    const written = await store.update(apply)
    if (written.ok) return { ...written, warnings: [...result.warnings, ...written.warnings] }
    // It cannot be written now, but the tokens are good.
    const warnings = [...result.warnings, written.problem.message]
    return { ok: true, document: apply(result.document), warnings }
  }
}

/** A refresh token that was spent, and what it brought. */
interface Renewal {
  readonly spent: Secret
  readonly renewed: RenewedTokens
}

/** The document after `spent` was spent; the same one if no account holds that token any more. */
export function withRenewal(document: StoreDocument, { spent, renewed }: Renewal): StoreDocument {
  const holds = ({ refreshToken }: StoredAccount) => refreshToken.reveal() === spent.reveal()
  if (!document.accounts.some(holds)) return document
  const accounts = document.accounts.map((account) =>
    holds(account) ? renewedAccount(account, renewed) : account,
  )
  return { ...document, accounts }
}

function renewedAccount(account: StoredAccount, renewed: RenewedTokens): StoredAccount {
  const repaired = isDisabledForToken(account) ? ENABLED : {}
  return {
    ...account,
    ...repaired,
    accessToken: renewed.accessToken,
    refreshToken: renewed.refreshToken,
    expiresAt: renewed.expiresAt,
    accountId: renewed.accountId ?? account.accountId,
    email: account.email ?? renewed.email,
    tokenVersion: account.tokenVersion + 1,
  }
}

/** A newer token answers the doubt about the older one. */
const ENABLED = {
  isAuthDisabled: false,
  authDisabledReason: undefined,
  disabledReason: undefined,
  consecutiveAuthFailures: 0,
  authRetryAt: 0,
} as const

/** Recorded renewals that the document lacks, oldest first: one may have followed another. */
async function pending(document: StoreDocument, journal: SpendJournal): Promise<Renewal[]> {
  const renewals: Renewal[] = []
  const seen = new Set<string>()
  let tokens = refreshTokens(document.accounts)
  while (tokens.length > 0) {
    for (const token of tokens) seen.add(token.reveal())
    const records = await journal.spent(tokens)
    const found = tokens.flatMap((spent, index) => {
      const record = records[index]
      const isRotated = record?.kind === 'renewed' && !seen.has(record.refreshToken.reveal())
      return isRotated ? { spent, renewed: record } : []
    })
    renewals.push(...found)
    tokens = found.map(({ renewed }) => renewed.refreshToken)
  }
  return renewals
}
