import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeAtomically } from './atomic.ts'
import { serializeDocument } from './document.ts'
import { keepGeneration, newestGeneration } from './generations.ts'
import { type Loaded, type LoadedDocument, load } from './load.ts'
import { type Lease, withLock } from './lock.ts'
import { storeProblem } from './problem.ts'
import { mend } from './repair.ts'
import type { AccountStore, StoreDocument, StoreProblemCode, StoreResult } from './store.ts'
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
  /** The highest revision seen here. Revisions never go back, even where the file was set back. */
  let lastRev = 0
  let isSwept = false

  return {
    async read() {
      const place = await findPlace()
      if (!place.ok) return place
      const loaded = await look(place.path)
      if (loaded.kind !== 'damaged') return toResult(loaded)
      const mended = await locked(lookAndMend)
      if (mended.ok || mended.problem.code !== 'unwritable') return mended
      return failure('corrupt', 'it cannot be repaired, because its folder cannot be written')
    },
    update: async (change) =>
      locked(async (path, lease) => {
        const loaded = await lookAndMend(path, lease)
        if (loaded === 'conflict' || loaded.kind !== 'document') return loaded
        const document = change(loaded.document)
        return document === loaded.document ? loaded : write(path, lease, loaded, document)
      }),
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
      const refused = await mkdir(dirname(path), { recursive: true, mode: 0o700 }).then(
        () => undefined,
        errorCode,
      )
      if (refused !== undefined) return failure('unwritable', refused)
      const lock = await withLock(path, { deadlineMs: lockWaitMs }, (lease) => step(path, lease))
      if (!lock.ok) return failure(lock.reason, lock.detail)
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
      return failure('unreadable', errorCode(error))
    }
  }

  async function look(path: string): Promise<Loaded> {
    // Before the reading: what changes in between is then seen as a change once more.
    lastStamp = stampAt(file)
    const loaded = await load(path)
    if (loaded.kind !== 'document') return loaded
    const { rev } = loaded.document
    if (rev >= lastRev) {
      lastRev = rev
      return loaded
    }
    // An update of ours may be gone with it. The pool merges what it knows into what it reads.
    const warning = `The accounts file ${file} was set back from revision ${lastRev} to ${rev}.`
    return { ...loaded, warnings: [...loaded.warnings, warning] }
  }

  async function lookAndMend(path: string, lease: Lease): Promise<LoadedHere | 'conflict'> {
    const loaded = await look(path)
    if (loaded.kind !== 'damaged') return loaded
    const mended = await mend(path, loaded.text, { held: () => lease.held(), minRev: lastRev })
    if (mended !== 'conflict' && mended.kind === 'document') {
      lastRev = Math.max(lastRev, mended.document.rev)
      lastStamp = stampAt(file)
    }
    return mended
  }

  async function write(
    path: string,
    lease: Lease,
    base: LoadedDocument,
    change: StoreDocument,
  ): Promise<LoadedHere | 'conflict'> {
    const copied = base.document.rev === 0 ? ((await newestGeneration(path))?.rev ?? 0) : 0
    const document = { ...change, rev: 1 + Math.max(base.document.rev, lastRev, copied) }
    const text = serializeDocument(document)
    try {
      const outcome = await writeAtomically(path, text, {
        check: () => lease.held() && stillHolds(path, base.text),
        onWritten(stamp) {
          lastStamp = stamp
          lastRev = document.rev
        },
      })
      if (outcome === 'refused') return 'conflict'
    } catch (error) {
      return { kind: 'problem', problem: storeProblem('unwritable', file, errorCode(error)) }
    }
    await keepGeneration(path, document.rev, text)
    if (!isSwept) await sweep(path, now)
    isSwept = true
    return { kind: 'document', document, text, warnings: base.warnings }
  }

  function failure(code: StoreProblemCode, detail: string): Failure {
    return { ok: false, problem: storeProblem(code, file, detail) }
  }
}

type LoadedHere = Exclude<Loaded, { kind: 'damaged' }>
type Failure = Extract<StoreResult, { ok: false }>
type LockedStep = (path: string, lease: Lease) => Promise<LoadedHere | 'conflict'>

/** Each means that a lock was lost or ignored; more of them than this is no accident. */
const MAX_CONFLICTS = 20

function toResult(loaded: LoadedHere): StoreResult {
  if (loaded.kind === 'problem') return { ok: false, problem: loaded.problem }
  return { ok: true, document: loaded.document, warnings: loaded.warnings }
}
