import { randomBytes } from 'node:crypto'
import { type BigIntStats, renameSync, rmSync, statSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { flush, openFolder } from './folder.ts'
import { insist } from './insist.ts'
import { errorCode, refusalOf, resolveTarget, stampOf } from './target.ts'

/** A complete, flushed temporary file that waits to take its target's place. */
export interface PreparedWrite {
  /** What `stampAt(target)` will say once it is written. */
  readonly stamp: string
  /**
   * In one synchronous block: asks `check`, then renames. `blocked`: Windows keeps the target open
   * for a moment, try again. Throws Node's error when the rename fails for good.
   */
  commit(check: () => boolean): 'written' | 'refused' | 'blocked'
  /** Makes the rename survive a power cut. Without it a spent refresh token can come back. */
  flush(): Promise<void>
  /** Removes the temporary file if it still exists. Call it last, always. Never rejects. */
  discard(): Promise<void>
}

export interface WriteOptions {
  /** Asked in the same synchronous block as the rename; false = leave the target as it is. */
  readonly check?: () => boolean
  /** Called right after the rename, in the same synchronous block, with the new file's stamp. */
  readonly onWritten?: (stamp: string) => void
  /** False for copies whose loss in a power cut does no harm. */
  readonly durable?: boolean
  /** Named in the temporary file's name: see `pendingRevisions`. */
  readonly rev?: number
  /** Default: 0600. */
  readonly mode?: number
}

export type WriteOutcome = 'written' | 'refused'

/**
 * Replaces `target` by a file with `content`: readers see the old content or the new one,
 * never a part. Throws Node's error when that is impossible; then the old file is intact and
 * nothing is left over.
 */
export async function writeAtomically(
  target: string,
  content: string | Uint8Array,
  { check = always, onWritten, ...how }: WriteOptions = {},
): Promise<WriteOutcome> {
  const write = await prepareWrite(await resolveTarget(target), content, how)
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const outcome = write.commit(check)
      if (outcome === 'written') {
        onWritten?.(write.stamp)
        await write.flush()
        return outcome
      }
      if (outcome === 'refused') return outcome
      await delay(RETRY_MS)
    }
    throw new UnsafeTargetError('EBUSY', 'another program keeps the file open')
  } finally {
    await write.discard()
  }
}

/** Writes the temporary file. `target` must be resolved (`resolveTarget`). */
export async function prepareWrite(
  target: string,
  content: string | Uint8Array,
  { durable = true, rev, mode }: Pick<WriteOptions, 'durable' | 'rev' | 'mode'> = {},
): Promise<PreparedWrite> {
  assertWritable(target)
  const temporary = temporaryPath(target, rev)
  // Opened before: once the file is in its place, too many open files must not matter any more.
  const folder = durable ? await openFolder(dirname(target)) : undefined
  const discard = async () => {
    insist(() => rmSync(temporary, { force: true }))
    await folder?.close().catch(() => undefined)
  }
  try {
    const stamp = await writeTemporary(temporary, Buffer.from(content), { durable, mode })
    return {
      stamp,
      commit: (check) => (check() ? rename(temporary, target) : 'refused'),
      flush: () => flush(folder),
      discard,
    }
  } catch (error) {
    await discard()
    throw error
  }
}

/**
 * The revisions whose temporary files wait beside `target`: each may still take its place, if its
 * writer was stopped between its last look and its rename. Nobody else may write the same revision,
 * or the two could not be told apart.
 */
export async function pendingRevisions(target: string): Promise<readonly number[]> {
  const names = await readdir(dirname(target)).catch(() => [])
  const start = `.${basename(target)}.r`
  return names
    .filter((name) => name.startsWith(start) && isTemporary(target, name))
    .map((name) => Number(REVISION.exec(name.slice(start.length))?.[0] ?? 0))
}

/** At most 15 digits: a name that somebody made up must not use up all revisions. */
const REVISION = /^\d{1,15}(?=-)/

/** Whether `name` is a temporary file that `prepareWrite` made for `target`. */
export function isTemporary(target: string, name: string): boolean {
  return name.startsWith(`.${basename(target)}.`) && name.endsWith('.tmp')
}

/** Windows: virus scanners and indexers keep a new file open for up to some seconds. */
const RETRY_MS = 50
const MAX_TRIES = 60

/** A target that must not be replaced. `code` as in Node's errors. */
class UnsafeTargetError extends Error {
  override readonly name = 'UnsafeTargetError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

function assertWritable(target: string): void {
  const stat = statSync(target, { bigint: true, throwIfNoEntry: false })
  const refusal = stat === undefined ? undefined : refusalOf(stat)
  if (refusal !== undefined) throw new UnsafeTargetError('EUNSAFE', refusal.detail)
}

async function writeTemporary(
  path: string,
  bytes: Buffer,
  { durable, mode }: { readonly durable: boolean; readonly mode: number | undefined },
): Promise<string> {
  const handle = await open(path, 'wx', 0o600)
  try {
    // Not given to `open`: the umask would take from it.
    if (mode !== undefined) await handle.chmod(mode)
    await handle.writeFile(bytes)
    if (durable) await handle.sync()
    const stat: BigIntStats = await handle.stat({ bigint: true })
    // A nearly full disk can take a part of the bytes without an error.
    if (stat.size !== BigInt(bytes.length)) {
      throw new UnsafeTargetError('ENOSPC', 'the file was cut short while it was written')
    }
    return stampOf(stat)
  } finally {
    await handle.close()
  }
}

function rename(from: string, to: string): 'written' | 'blocked' {
  try {
    renameSync(from, to)
    return 'written'
  } catch (error) {
    if (process.platform === 'win32' && WINDOWS_IN_USE.has(errorCode(error))) return 'blocked'
    throw error
  }
}

const WINDOWS_IN_USE = new Set(['EPERM', 'EBUSY', 'EACCES'])

function temporaryPath(target: string, rev: number | undefined): string {
  const mark = rev === undefined ? '' : `r${rev}-`
  const chance = randomBytes(9).toString('hex')
  return join(dirname(target), `.${basename(target)}.${mark}${chance}.tmp`)
}

function always(): boolean {
  return true
}
