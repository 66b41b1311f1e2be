import { resolve } from 'node:path'
import { newLabel } from '../login/new-account.ts'
import { ownerOf } from '../login/save.ts'
import { writeAtomically } from '../store/atomic.ts'
import { EMPTY_DOCUMENT, parseDocument, serializeDocument } from '../store/document.ts'
import { type StoredAccount, hasSameSecret } from '../store/schema.ts'
import type { AccountStore, StoreDocument } from '../store/store.ts'
import { errorCode, readTarget, stillHolds } from '../store/target.ts'
import { labelAt } from './label.ts'
import { type Sealing, seal, unseal } from './seal.ts'

export type Exported =
  | { readonly kind: 'exported'; readonly file: string; readonly count: number }
  | Failed

export type Imported =
  | {
      readonly kind: 'imported'
      /** The names of the accounts that were added. */
      readonly added: readonly string[]
      /** The names, here, of accounts that were there, and stayed as they are. */
      readonly known: readonly string[]
    }
  | Failed

interface Failed {
  readonly kind: 'failed'
  /** For the person: what happened and what to do. */
  readonly problem: string
}

/** A refresh token works once: whoever uses it first has the login. */
export const BACKUP_WARNING =
  'A copy holds the logins as they are now. As soon as an account renews its token, here or ' +
  'there, the other copy of it is worthless and needs a new login.'

/**
 * Writes all accounts, encrypted, into a new file. A file that is there is never replaced. Rejects
 * with the signal's reason, and has written nothing then.
 */
export async function exportAccounts(
  store: AccountStore,
  path: string,
  sealing: Sealing,
  signal?: AbortSignal,
): Promise<Exported> {
  const file = resolve(path)
  const read = await store.read()
  if (!read.ok) return failed(read.problem.message)
  const { accounts } = read.document
  if (accounts.length === 0) return failed('There is no account to export.')
  const text = serializeDocument({ ...EMPTY_DOCUMENT, accounts })
  const sealed = await seal(text, sealing)
  signal?.throwIfAborted()
  try {
    const check = () => stillHolds(file, undefined)
    const outcome = await writeAtomically(file, sealed, { check })
    if (outcome === 'refused') return failed(`${file} is there already. Choose another name.`)
  } catch (error) {
    return failed(`${file} cannot be written (${errorCode(error)}). Choose another place.`)
  }
  return { kind: 'exported', file, count: accounts.length }
}

/**
 * Adds the accounts of a backup that are not here. One that is here keeps what it has: its token is
 * the newer one, or as good. Rejects with the signal's reason, and has changed nothing then.
 */
export async function importAccounts(
  store: AccountStore,
  path: string,
  sealing: Sealing,
  signal?: AbortSignal,
): Promise<Imported> {
  const file = resolve(path)
  const found = await readTarget(file).catch(errorCode)
  if (typeof found === 'string') return failed(`${file} cannot be read (${found}).`)
  if (found.kind === 'missing') return failed(`${file} is not there.`)
  if (found.kind === 'refused') return failed(`${file} is not used: ${found.detail}.`)
  const opened = await unseal(found.text, sealing)
  signal?.throwIfAborted()
  if (!opened.ok) return failed(opened.problem)
  const parsed = parseDocument(opened.text)
  if (!parsed.ok) return failed(`What the backup holds cannot be used: ${parsed.detail}.`)
  let added: string[] = []
  let known: string[] = []
  const written = await store.update((document) => {
    const merged = merge(document, parsed.document.accounts)
    ;({ added, known } = merged)
    return merged.document
  })
  if (!written.ok) return failed(written.problem.message)
  return { kind: 'imported', added, known }
}

function merge(before: StoreDocument, copies: readonly StoredAccount[]) {
  const added: string[] = []
  const known: string[] = []
  let document = before
  for (const copy of copies) {
    const { accounts } = document
    const place = accounts.findIndex((account) => isSame(account, copy, accounts))
    const there = accounts[place]
    if (there !== undefined) {
      known.push(labelAt(there, place))
      continue
    }
    const label = newLabel({ email: copy.label ?? copy.email }, document)
    added.push(label)
    document = { ...document, accounts: [...accounts, { ...copy, label }] }
  }
  return { document, added, known }
}

/** One token must not be in two accounts, nor one person. */
function isSame(
  account: StoredAccount,
  copy: StoredAccount,
  accounts: readonly StoredAccount[],
): boolean {
  return (
    account.uuid === copy.uuid ||
    hasSameSecret(account, copy) ||
    ownerOf(copy, accounts) === account
  )
}

function failed(problem: string): Failed {
  return { kind: 'failed', problem }
}
