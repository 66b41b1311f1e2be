import { pendingRevisions, writeAtomically } from './atomic.ts'
import { EMPTY_DOCUMENT, serializeDocument } from './document.ts'
import { keepGeneration, keepOnlyGeneration } from './generations.ts'
import { type Loaded, type LoadedDocument, load } from './load.ts'
import type { HeldLock } from './lock.ts'
import { storeFault } from './problem.ts'
import { newestCopy, salvage } from './repair.ts'
import { isSetBack, rejoin } from './set-back.ts'
import type { StoreDocument } from './store.ts'
import { sweep } from './sweep.ts'
import { errorCode, resolveTarget, stampAt, stillHolds } from './target.ts'

/** What stands in the file, repaired. `isOurs`: this update wrote it already. */
export type Settled =
  | (LoadedDocument & { readonly isOurs?: boolean })
  | Extract<Loaded, { kind: 'problem' }>
  /** Somebody else came first: begin anew. */
  | 'conflict'

/** What an update wrote although its lock was lost: others may have written in between. */
export interface Unconfirmed {
  text?: string
}

/**
 * One accounts file as this process knows it: how it is read, repaired and written. `file` is its
 * name; a `path` is the same without symbolic links, so that all processes replace the same file.
 */
export function createAccountsFile(file: string, now: () => number) {
  /** `stampAt(file)` as of the last read or write here. */
  let lastStamp: string | undefined
  /** The document with the highest revision that was read or written here. */
  let newest = EMPTY_DOCUMENT
  let sweptAt = 0

  async function find(): Promise<{ readonly path: string } | { readonly errno: string }> {
    try {
      return { path: await resolveTarget(file) }
    } catch (error) {
      lastStamp = stampAt(file)
      return { errno: errorCode(error) }
    }
  }

  async function look(path: string): Promise<Loaded> {
    // Before the reading: what changes in between is then seen as a change once more.
    lastStamp = stampAt(file)
    const loaded = await load(path)
    if (loaded.kind === 'document' && loaded.document.rev >= newest.rev) newest = loaded.document
    return loaded
  }

  /**
   * What an update begins with, after repairs. `ours`: what an earlier try wrote after its lock was
   * lost. If somebody wrote in between, it begins anew with what it should not have replaced.
   */
  async function settle(path: string, lock: HeldLock, ours: Unconfirmed = {}): Promise<Settled> {
    const loaded = await look(path)
    if (loaded.kind === 'problem') return loaded
    if (loaded.kind === 'damaged') return mend(path, lock, loaded.text)
    const copy = await newestCopy(path, newest, { tolerant: true }).catch(errorCode)
    if (typeof copy === 'string')
      return { kind: 'problem', problem: storeFault('unreadable', `${file}.bak-*`, copy) }
    newest = copy ?? newest
    const isOurs = loaded.text !== undefined && loaded.text === ours.text
    if (!isSetBack(loaded.document, newest)) return { ...loaded, isOurs }
    if (isOurs) return { ...loaded, document: newest }
    const warning = `The accounts file ${file} was set back from revision ${newest.rev} to ${loaded.document.rev}. What is newer was written again.`
    const base = { ...loaded, warnings: [...loaded.warnings, warning] }
    return write(path, lock, base, rejoin(loaded.document, newest))
  }

  async function mend(path: string, lock: HeldLock, text: string): Promise<Settled> {
    const found = await salvage(path, text, newest)
    if (found.kind !== 'copy') return found
    const { document, warning } = found
    return write(path, lock, { document, text, warnings: [warning] }, document)
  }

  async function write(
    path: string,
    lock: HeldLock,
    base: Omit<LoadedDocument, 'kind'>,
    change: StoreDocument,
    ours: Unconfirmed = {},
  ): Promise<Settled> {
    const rev = 1 + Math.max(base.document.rev, newest.rev, ...(await pendingRevisions(path)))
    const document = { ...change, rev }
    const text = serializeDocument(document)
    try {
      const outcome = await writeAtomically(path, text, {
        rev,
        check: () => lock.held() && stillHolds(path, base.text),
        onWritten(stamp) {
          lastStamp = stamp
          newest = document
          // Stopped between the check and the rename, it may have replaced what others wrote.
          if (!lock.held()) ours.text = text
        },
      })
      if (outcome === 'refused' || ours.text === text) return 'conflict'
    } catch (error) {
      return { kind: 'problem', problem: storeFault('unwritable', file, errorCode(error)) }
    }
    const keep = isDeletion(base.document, document) ? keepOnlyGeneration : keepGeneration
    await keep(path, rev, text)
    if (now() - sweptAt > SWEEP_EVERY_MS) {
      sweptAt = now()
      await sweep(path, now)
    }
    return { kind: 'document', document, text, warnings: base.warnings }
  }

  /** What is known while the disk takes no repair; undefined when that is nothing. */
  async function withoutRepair(
    path: string,
    loaded: Exclude<Loaded, { kind: 'problem' }>,
  ): Promise<StoreDocument | undefined> {
    const copy = await newestCopy(path, newest).catch(() => undefined)
    return copy !== undefined && loaded.kind === 'document' ? rejoin(loaded.document, copy) : copy
  }

  return {
    find,
    look,
    settle,
    write,
    withoutRepair,
    isSetBack: (document: StoreDocument) => isSetBack(document, newest),
    changed: () => stampAt(file) !== lastStamp,
  }
}

/** Whether an account is gone, or an entry that cannot be used: each may hold tokens. */
function isDeletion(before: StoreDocument, after: StoreDocument): boolean {
  const left = new Set(after.accounts.map(({ uuid }) => uuid))
  const hasAll = before.accounts.every(({ uuid }) => left.has(uuid))
  return !hasAll || after.rejected.length < before.rejected.length
}

/** What a killed process left, or we on a disk that failed, is not there for long. */
const SWEEP_EVERY_MS = 10 * 60_000
