import { createHash, randomUUID } from 'node:crypto'
import * as v from 'valibot'
import type { Provider } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
import type { AccountStore, StoreDocument, StoreProblem } from '../store/store.ts'
import { newAccount, newLabel } from './new-account.ts'

/** A login as another program keeps it. */
export interface FoundLogin {
  readonly refreshToken: Secret
  readonly accessToken: Secret | undefined
  /** Epoch ms; undefined = unknown. */
  readonly expiresAt: number | undefined
  readonly accountId: string | undefined
}

export type ImportResult =
  | { readonly kind: 'added'; readonly label: string }
  /** The pool has accounts, or this login was in it before and was taken out. */
  | { readonly kind: 'notNeeded' }
  | { readonly kind: 'failed'; readonly problem: StoreProblem }

/** What people call an account that says nothing of itself. */
const NAMELESS = 'OpenCode login'
/** Beside the accounts: which logins were taken over once, by their hash. */
const IMPORTED = 'importedLogins'

/**
 * Takes a login over into an empty pool, each at most once: an account that the person removed must
 * not come back at the next start.
 */
export async function importLogin(
  store: AccountStore,
  provider: Provider,
  found: FoundLogin,
  now: () => number,
): Promise<ImportResult> {
  // Drawn here: a change may run more than once.
  const uuid = randomUUID()
  const addedAt = now()
  const hash = hashOf(found.refreshToken)
  const identity = identityOf(provider, found)
  const result = await store.update((document) => {
    const imported = importedBy(document)
    if (!isEmpty(document) || imported.includes(hash)) return document
    const label = identity.email === undefined ? NAMELESS : newLabel(identity, document)
    return {
      ...document,
      accounts: [{ ...newAccount({ ...found, ...identity }, uuid, addedAt), label }],
      extra: { ...document.extra, [IMPORTED]: [...imported, hash] },
    }
  })
  if (!result.ok) return { kind: 'failed', problem: result.problem }
  const added = result.document.accounts.find((account) => account.uuid === uuid)
  return added === undefined
    ? { kind: 'notNeeded' }
    : { kind: 'added', label: added.label ?? NAMELESS }
}

function identityOf({ login }: Provider, { accessToken, accountId }: FoundLogin) {
  const identity = accessToken === undefined ? undefined : login.identify(accessToken)
  return {
    accountId: accountId ?? identity?.accountId,
    userId: identity?.userId,
    email: identity?.email,
    planTier: identity?.planTier,
  }
}

/** An entry that cannot be read is an account all the same. */
function isEmpty({ accounts, rejected }: StoreDocument): boolean {
  return accounts.length === 0 && rejected.length === 0
}

function importedBy({ extra }: StoreDocument): readonly string[] {
  const parsed = v.safeParse(v.array(v.string()), extra[IMPORTED])
  return parsed.success ? parsed.output : []
}

function hashOf(token: Secret): string {
  return createHash('sha256').update(token.reveal()).digest('hex').slice(0, 32)
}
