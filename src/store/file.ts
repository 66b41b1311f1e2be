import { dirname } from 'node:path'
import { makeFolder, pendingRevisions, writeAtomically } from './atomic.ts'
import { EMPTY_DOCUMENT, serializeDocument } from './document.ts'
import { keepGeneration } from './generations.ts'
import { type Loaded, type LoadedDocument, load } from './load.ts'
import { type Lease, withLock } from './lock.ts'
import { storeFault, storeProblem } from './problem.ts'
import { newestCopy, salvage } from './repair.ts'
import { isSetBack, rejoin } from './set-back.ts'
import type {
  AccountStore,
  StoreDocument,
  StoreProblem,
  StoreProblemCode,
  StoreResult,
} from './store.ts'
import { sweep } from './sweep.ts'
import { errorCode, resolveTarget, stampAt, stillHolds } from './target.ts'
import { watchFile } from './watch.ts'

export interface FileStoreOptions {
  /** Path of the accounts file. It and its folder are made with the first update. */
  readonly file: string
  /** Wall clock, epoch ms. */
  readonly now: () => number
  /**
   * How long an update waits for other processes, ms; default 20,000: longer than the lock lives
   * of a process that vanished without a trace. Shorter = `busy` where waiting would have helped.
   */
  readonly lockWaitMs?: number
}

/** Accounts kept in a file that other processes, and other programs, read and write too. */
export function createFileStore(options: FileStoreOptions): AccountStore {
  const { file, now, lockWaitMs = 20_000 } = options
  const watches = new Set<() => Promise<void>>()
  /** `stampAt(file)` as of the last read or write here. */
  let lastStamp: string | undefined
  /** The document with the highest revision that was read or written here. */
  let newest = EMPTY_DOCUMENT
  let sweptAt = 0

  return {
    async read() {
      const place = await findPlace()
      if (!place.ok) return place
      const loaded = await look(place.path)
      if (loaded.kind === 'problem') return toResult(loaded)
      if (loaded.kind === 'document' && !isSetBack(loaded.document, newest)) return toResult(loaded)
      const settled = await locked((path, lease) => settle(path, lease))
      if (settled.ok || !PASSING.has(settled.problem.code)) return settled
      return withoutRepair(place.path, loaded, settled.problem)
    },
    async update(change) {
      const ours: { text?: string } = {}
      return locked(async (path, lease) => {
        const base = await settle(path, lease, ours.text)
        if (base === 'conflict' || base.kind !== 'document' || base.isOurs === true) return base
        const document = change(base.document)
        if (document === base.document) return base
        return write(path, lease, base, withoutRepeats(document), ours)
      })
    },
    changed: () => stampAt(file) !== lastStamp,
    watch(listener) {
      const stop = watchFile(file, () => {
        if (stampAt(file) !== lastStamp) listener()
      })
      watches.add(stop)
      return () => {
        watches.delete(stop)
        void stop()
      }
    },
    async dispose() {
      const stops = [...watches]
      watches.clear()
      await Promise.all(stops.map(async (stop) => stop()))
    },
  }

  /** Takes the lock and runs `step`, again and again while others get in between. */
  async function locked(step: LockedStep): Promise<StoreResult> {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const place = await findPlace()
      if (!place.ok) return place
      const { path } = place
      const refused = await makeFolder(dirname(path)).then(() => undefined, errorCode)
      if (refused !== undefined) return fault('unwritable', refused)
      const lock = await withLock(path, { deadlineMs: lockWaitMs }, (lease) => step(path, lease))
      if (!lock.ok) {
        return lock.reason === 'unwritable'
          ? fault('unwritable', lock.detail)
          : failure('busy', lock.detail)
      }
      if (lock.value !== 'conflict') return toResult(lock.value)
    }
    return failure('busy', 'other programs change it all the time')
  }

  /** The path without symbolic links, so that all processes lock and replace the same file. */
  async function findPlace() {
    try {
      return { ok: true, path: await resolveTarget(file) } as const
    } catch (error) {
      lastStamp = stampAt(file)
      return fault('unreadable', errorCode(error))
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
  async function settle(path: string, lease: Lease, ours?: string): Promise<Settled> {
    const loaded = await look(path)
    if (loaded.kind === 'problem') return loaded
    if (loaded.kind === 'damaged') return mend(path, lease, loaded.text)
    const copy = await newestCopy(path, newest, { tolerant: true }).catch(errorCode)
    if (typeof copy === 'string')
      return { kind: 'problem', problem: storeFault('unreadable', `${file}.bak-*`, copy) }
    newest = copy ?? newest
    const isOurs = loaded.text !== undefined && loaded.text === ours
    if (!isSetBack(loaded.document, newest)) return { ...loaded, isOurs }
    if (isOurs) return { ...loaded, document: newest }
    const warning = `The accounts file ${file} was set back from revision ${newest.rev} to ${loaded.document.rev}. What is newer was written again.`
    const base = { ...loaded, warnings: [...loaded.warnings, warning] }
    return write(path, lease, base, rejoin(loaded.document, newest))
  }

  async function mend(path: string, lease: Lease, text: string): Promise<Settled> {
    const found = await salvage(path, text, newest)
    if (found.kind !== 'copy') return found
    const { document, warning } = found
    return write(path, lease, { document, text, warnings: [warning] }, document)
  }

  async function write(
    path: string,
    lease: Lease,
    base: Omit<LoadedDocument, 'kind'>,
    change: StoreDocument,
    ours: { text?: string } = {},
  ): Promise<Settled> {
    const rev = 1 + Math.max(base.document.rev, newest.rev, ...(await pendingRevisions(path)))
    const document = { ...change, rev }
    const text = serializeDocument(document)
    try {
      const outcome = await writeAtomically(path, text, {
        rev,
        check: () => lease.held() && stillHolds(path, base.text),
        onWritten(stamp) {
          lastStamp = stamp
          newest = document
          // Stopped between the check and the rename, it may have replaced what others wrote.
          if (!lease.held()) ours.text = text
        },
      })
      if (outcome === 'refused' || ours.text === text) return 'conflict'
    } catch (error) {
      return { kind: 'problem', problem: storeFault('unwritable', file, errorCode(error)) }
    }
    await keepGeneration(path, rev, text)
    if (now() - sweptAt > SWEEP_EVERY_MS) {
      sweptAt = now()
      await sweep(path, now)
    }
    return { kind: 'document', document, text, warnings: base.warnings }
  }

  /** Goes on with what is known while the disk takes no repair. */
  async function withoutRepair(
    path: string,
    loaded: Exclude<Loaded, { kind: 'problem' }>,
    problem: StoreProblem,
  ): Promise<StoreResult> {
    const copy = await newestCopy(path, newest).catch(() => undefined)
    if (copy === undefined) return failure('corrupt', 'what stands in it cannot be kept elsewhere')
    const document = loaded.kind === 'document' ? rejoin(loaded.document, copy) : copy
    return { ok: true, document, warnings: [problem.message] }
  }

  function failure(code: StoreProblemCode, detail: string): Failure {
    return { ok: false, problem: storeProblem(code, file, detail) }
  }

  function fault(code: 'unreadable' | 'unwritable', errno: string): Failure {
    return { ok: false, problem: storeFault(code, file, errno) }
  }
}

/** What stands in the file, repaired. `isOurs`: this update wrote it already. */
type Settled =
  | (LoadedDocument & { readonly isOurs?: boolean })
  | Extract<Loaded, { kind: 'problem' }>
  /** Somebody else came first: begin anew. */
  | 'conflict'
type Failure = Extract<StoreResult, { ok: false }>
type LockedStep = (path: string, lease: Lease) => Promise<Settled>

/** Each means that a lock was lost or ignored; more of them than this is no accident. */
const MAX_CONFLICTS = 20

/** What a killed process left, or we on a disk that failed, is not there for long. */
const SWEEP_EVERY_MS = 10 * 60_000

/** The file can be read, but not be repaired now. */
const PASSING = new Set<StoreProblemCode>(['unwritable', 'busy'])

/** A change that runs twice may add its account twice; the second entry could not be used. */
function withoutRepeats(document: StoreDocument): StoreDocument {
  const accounts = new Map(document.accounts.map((account) => [account.uuid, account]))
  return { ...document, accounts: [...accounts.values()] }
}

function toResult(loaded: Exclude<Settled, 'conflict'>): StoreResult {
  if (loaded.kind === 'problem') return { ok: false, problem: loaded.problem }
  return { ok: true, document: loaded.document, warnings: loaded.warnings }
}
