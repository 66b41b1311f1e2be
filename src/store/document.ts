import * as v from 'valibot'
import { API_KEY_PLAN } from '../../machines/facts.ts'
import {
  ACCOUNT_DEFAULTS,
  OWN_FIELDS,
  type StoredAccount,
  accountSchema,
  documentSchema,
} from './schema.ts'
import { readKey, spelledOut, writtenKey } from './key-entry.ts'
import type { RejectedEntry, StoreDocument } from './store.ts'

export type ParsedDocument =
  | { readonly ok: true; readonly document: StoreDocument }
  /** `detail` says what is wrong, without any value of the file. */
  | { readonly ok: false; readonly kind: 'corrupt' | 'newer'; readonly detail: string }

/** The only format version that this package reads and writes. */
const VERSION = 1

export const EMPTY_DOCUMENT: StoreDocument = {
  rev: 0,
  activeAccountUuid: undefined,
  accounts: [],
  rejected: [],
  extra: {},
}

/** Reads the text of an accounts file. Never throws; a bad account lands in `rejected`. */
export function parseDocument(text: string): ParsedDocument {
  try {
    return toDocument(parseJson(text))
  } catch {
    // Nothing of the error is used: it quotes the text. A RangeError is JSON nested too deeply.
    return corrupt('it is not valid JSON')
  }
}

/** The text of the accounts file: all that was read, and what has changed since. */
export function serializeDocument(document: StoreDocument): string {
  const accounts: unknown[] = document.accounts.map(writtenAccount)
  for (const entry of document.rejected.toSorted((a, b) => a.index - b.index)) {
    accounts.splice(Math.min(entry.index, accounts.length), 0, entry.raw)
  }
  const { rev, activeAccountUuid } = document
  const fields = withExtra({ rev, activeAccountUuid }, document.extra, {})
  return `${JSON.stringify({ version: VERSION, ...fields, accounts }, undefined, 2)}\n`
}

function toDocument(raw: unknown): ParsedDocument {
  if (!isObject(raw)) return corrupt('it does not hold an object')
  const { version = VERSION } = raw
  if (version !== VERSION) {
    return { ok: false, kind: 'newer', detail: `its version is not ${VERSION}` }
  }
  const parsed = v.safeParse(documentSchema, withEveryKey(documentSchema.entries, raw))
  if (!parsed.success) return corrupt('it has no list of accounts')
  const { rev, activeAccountUuid, accounts: entries } = parsed.output
  const known = new Set<string>()
  const accounts: StoredAccount[] = []
  const rejected: RejectedEntry[] = []
  for (const [index, entry] of entries.entries()) {
    const account = toAccount(entry, known)
    if (typeof account === 'string') {
      rejected.push({ index, raw: entry, problem: `Account ${index + 1} ${account}` })
    } else {
      known.add(account.uuid)
      accounts.push(account)
    }
  }
  const written = { version: VERSION, accounts: entries, rev, activeAccountUuid }
  return {
    ok: true,
    document: { rev, activeAccountUuid, accounts, rejected, extra: unlike(written, raw) },
  }
}

/** The account, or the end of a sentence that says why it cannot be used. */
function toAccount(raw: unknown, known: ReadonlySet<string>): StoredAccount | string {
  if (!isObject(raw)) return 'is not an object. Remove the entry, or log in again.'
  const entry = spelledOut(raw)
  const parsed = v.safeParse(accountSchema, withEveryKey(accountSchema.entries, entry))
  if (!parsed.success) {
    const [field] = parsed.issues.map((issue) => v.getDotPath(issue))
    return noValid(field ?? '')
  }
  if (known.has(parsed.output.uuid)) {
    return 'has the same "uuid" as one before it. Remove one of the two from the file.'
  }
  const account = readKey({ ...parsed.output, extra: {} })
  if (account === undefined) {
    return noValid(parsed.output.planTier === API_KEY_PLAN ? 'accessToken' : 'refreshToken')
  }
  return { ...account, extra: unlike(writtenAccount(account), entry) }
}

function noValid(field: string): string {
  return `has no valid "${field}". Log in again, or repair the entry in the file.`
}

function writtenAccount(account: StoredAccount): Record<string, unknown> {
  const { extra, refreshToken, accessToken, ...plain } = account
  const fields = new Map<string, unknown>(Object.entries(plain))
  fields.set('refreshToken', refreshToken.reveal()).set('accessToken', accessToken?.reveal())
  const ordered = Object.keys(accountSchema.entries).map((key) => [key, fields.get(key)] as const)
  const kept = ordered.filter(
    ([key, value]) => !OWN_FIELDS.includes(key) || !same(value, ACCOUNT_DEFAULTS[key]),
  )
  return withExtra(writtenKey(account, Object.fromEntries(kept)), extra, ACCOUNT_DEFAULTS)
}

/** A field that nobody set gives way to what the file had in its place. */
function withExtra(
  fields: Readonly<Record<string, unknown>>,
  extra: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const set = Object.entries(fields).filter(
    ([key, value]) => !Object.hasOwn(extra, key) || !same(value, defaults[key]),
  )
  return { ...extra, ...Object.fromEntries(set) }
}

/** What of `raw` would be lost if only `written` went back to the file. */
function unlike(
  written: Readonly<Record<string, unknown>>,
  raw: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(raw).filter(([key, value]) => !same(written[key], value)),
  )
}

/** Valibot takes a missing key for an error before it looks at the fallback. */
function withEveryKey(
  entries: Readonly<Record<string, unknown>>,
  raw: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(entries).map((key) => [key, Object.hasOwn(raw, key) ? raw[key] : undefined]),
  )
}

/** Drops `__proto__` at every level: no field of ours has that name, and a merge would obey it. */
function parseJson(text: string): unknown {
  return JSON.parse(text.replace(/^\uFEFF/, ''), (key, value: unknown) =>
    key === '__proto__' ? undefined : value,
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function corrupt(detail: string): ParsedDocument {
  return { ok: false, kind: 'corrupt', detail }
}
