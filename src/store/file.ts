import { dirname } from 'node:path'
import { type Settled, type Unconfirmed, createAccountsFile } from './accounts-file.ts'
import { makeFolder } from './folder.ts'
import { type HeldLock, withLock } from './lock.ts'
import { storeFault, storeProblem } from './problem.ts'
import type { AccountStore, StoreDocument, StoreProblemCode, StoreResult } from './store.ts'
import { errorCode } from './target.ts'
import { createWatches } from './watches.ts'

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
  const accounts = createAccountsFile(file, now)
  const watches = createWatches(file)

  return {
    async read() {
      const place = await accounts.find()
      if ('errno' in place) return fault('unreadable', place.errno)
      const loaded = await accounts.look(place.path)
      if (loaded.kind === 'problem') return toResult(loaded)
      const isWhole = loaded.kind === 'document' && !accounts.isSetBack(loaded.document)
      if (isWhole) return toResult(loaded)
      const settled = await locked((path, lock) => accounts.settle(path, lock))
      if (settled.ok || !PASSING.has(settled.problem.code)) return settled
      const document = await accounts.withoutRepair(place.path, loaded)
      return document === undefined
        ? failure('corrupt', 'what stands in it cannot be kept elsewhere')
        : { ok: true, document, warnings: [settled.problem.message] }
    },
    async update(change) {
      const ours: Unconfirmed = {}
      return locked(async (path, lock) => {
        const base = await accounts.settle(path, lock, ours)
        if (base === 'conflict' || base.kind !== 'document' || base.isOurs === true) return base
        const document = change(base.document)
        if (document === base.document) return base
        return accounts.write(path, lock, base, withoutRepeats(document), ours)
      })
    },
    changed: accounts.changed,
    watch: (listener) =>
      watches.add(() => {
        if (accounts.changed()) listener()
      }),
    dispose: watches.dispose,
  }

  /** Takes the lock and runs `step`, again and again while others get in between. */
  async function locked(step: LockedStep): Promise<StoreResult> {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const place = await accounts.find()
      if ('errno' in place) return fault('unreadable', place.errno)
      const { path } = place
      const refused = await makeFolder(dirname(path)).then(() => undefined, errorCode)
      if (refused !== undefined) return fault('unwritable', refused)
      const done = await withLock(path, { deadlineMs: lockWaitMs }, (lock) => step(path, lock))
      if (!done.ok) {
        return done.reason === 'unwritable'
          ? fault('unwritable', done.detail)
          : failure('busy', done.detail)
      }
      if (done.value !== 'conflict') return toResult(done.value)
    }
    return failure('busy', 'other programs change it all the time')
  }

  function failure(code: StoreProblemCode, detail: string): Failure {
    return { ok: false, problem: storeProblem(code, file, detail) }
  }

  function fault(code: 'unreadable' | 'unwritable', errno: string): Failure {
    return { ok: false, problem: storeFault(code, file, errno) }
  }
}

type Failure = Extract<StoreResult, { ok: false }>
type LockedStep = (path: string, lock: HeldLock) => Promise<Settled>

/** Each means that a lock was lost or ignored; more of them than this is no accident. */
const MAX_CONFLICTS = 20

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
