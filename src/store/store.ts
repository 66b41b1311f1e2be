import type { StoredAccount } from './schema.ts'

/** An entry of `accounts[]` that cannot be used. It stays in the file as it is. */
export interface RejectedEntry {
  /** Where it stands in the file's list. */
  readonly index: number
  readonly raw: unknown
  /** For the person: what is wrong with it. Never holds a value of the entry. */
  readonly problem: string
}

/** An accounts file, parsed. Unknown fields are kept in `extra` and in each account. */
export interface StoreDocument {
  /** Grows by one with every write; 0 = the file has none yet. */
  readonly rev: number
  readonly activeAccountUuid: string | undefined
  readonly accounts: readonly StoredAccount[]
  readonly rejected: readonly RejectedEntry[]
  readonly extra: Readonly<Record<string, unknown>>
}

export type StoreProblemCode =
  /** The file exists but cannot be opened or read (permission, I/O, too many open files). */
  | 'unreadable'
  /** Something else than a regular file stands at its path. */
  | 'not_a_file'
  /** It belongs to another user, or everyone may write to it. */
  | 'unsafe'
  /** Its `version` is newer than this package knows: it is read, never written. */
  | 'newer'
  /** It is not JSON, or not an accounts file; it was set aside and nothing could be restored. */
  | 'corrupt'
  /** It cannot be written (permission, read-only, disk full). */
  | 'unwritable'
  /** Another process held the lock for too long. */
  | 'busy'

export interface StoreProblem {
  readonly code: StoreProblemCode
  /** What happened and what to do, with the file's path. */
  readonly message: string
}

export type StoreResult =
  | { readonly ok: true; readonly document: StoreDocument; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: StoreProblem }

/**
 * Where the accounts of one provider are kept. Two implementations, one contract suite
 * (`test/contract/store.ts`): `file.ts` for people, `memory.ts` for programs and tests.
 */
export interface AccountStore {
  /** Reads the current state. A missing file is an empty document, never an error. */
  read(): Promise<StoreResult>
  /**
   * Lock → re-read → change → compare-and-swap write → the document as written, with its new `rev`.
   * A `change` that returns its argument writes nothing. It may run more than once: keep it pure.
   */
  update(change: (document: StoreDocument) => StoreDocument): Promise<StoreResult>
  /** Whether the file differs from the last one read or written here. One `stat`, no read. */
  changed(): boolean
  /** Calls `listener` after another process changed the document. Returns the way to stop. */
  watch(listener: () => void): () => void
  /** Stops watching and releases what is held. Safe to call twice. */
  dispose(): Promise<void>
}
