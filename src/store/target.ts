import { type BigIntStats, constants, readFileSync, statSync } from 'node:fs'
import { open, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/** What stands at a path. */
export type Target =
  | { readonly kind: 'missing' }
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'refused'; readonly code: 'not_a_file' | 'unsafe'; readonly detail: string }

export const MISSING_STAMP = 'missing'

/**
 * Reads a file that holds secrets, after a look at what it is. Throws Node's error when it cannot
 * be read: that is not the same as a missing file.
 */
export async function readTarget(path: string): Promise<Target> {
  const handle = await openOrMissing(path)
  if (handle === undefined) return { kind: 'missing' }
  try {
    const stat = await handle.stat({ bigint: true })
    const refusal = refusalOf(stat)
    if (refusal !== undefined) return refusal
    return { kind: 'file', text: await handle.readFile('utf8') }
  } finally {
    await handle.close()
  }
}

/** Whether `path` still holds exactly `text`; `undefined` stands for a missing file. */
export function stillHolds(path: string, text: string | undefined): boolean {
  try {
    return readFileSync(path, 'utf8') === text
  } catch (error) {
    return text === undefined && errorCode(error) === 'ENOENT'
  }
}

/**
 * Follows symbolic links, so that a linked file stays one. The file itself may be missing. Not by
 * `realpath`: while the file is being replaced, Bun's answers with "<path> (deleted)".
 */
export async function resolveTarget(file: string): Promise<string> {
  let path = resolve(file)
  for (let links = 0; links < MAX_LINKS; links++) {
    const link = await readlink(path).catch(orNotALink)
    if (link === undefined) return join(await resolveFolder(dirname(path)), basename(path))
    path = resolve(dirname(path), link)
  }
  throw new LinkLoopError('ELOOP: too many symbolic links')
}

/** Identifies what stands at `path` now. Never throws, follows links, one `stat`. */
export function stampAt(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? MISSING_STAMP : stampOf(stat)
  } catch (error) {
    return errorCode(error)
  }
}

export function stampOf(stat: BigIntStats): string {
  return `${stat.ino}:${stat.mtimeNs}:${stat.size}`
}

/** Why a file must not be used for secrets, if so. */
export function refusalOf(stat: BigIntStats): (Target & { kind: 'refused' }) | undefined {
  if (!stat.isFile()) return refused('not_a_file', 'it is not a regular file')
  const uid = process.getuid?.()
  if (uid === undefined) return undefined
  if (stat.uid !== BigInt(uid)) return refused('unsafe', 'it belongs to another user')
  if ((stat.mode & 0o002n) !== 0n) return refused('unsafe', 'everyone may write to it')
  return undefined
}

/** `ENOENT`, `EACCES` … or `UNKNOWN`. */
export function errorCode(error: unknown): string {
  const known = error instanceof Error && 'code' in error && typeof error.code === 'string'
  return known ? String(error.code) : 'UNKNOWN'
}

/** More than Linux follows. */
const MAX_LINKS = 40

async function openOrMissing(path: string) {
  // A pipe at the path would block an ordinary open for ever.
  return orMissing(open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
}

async function resolveFolder(folder: string): Promise<string> {
  return (await orMissing(realpath(folder))) ?? folder
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
}

class LinkLoopError extends Error {
  override readonly name = 'LinkLoopError'
  readonly code = 'ELOOP'
}

/** `UNKNOWN`: Windows, for some files. */
const NO_LINK = new Set(['EINVAL', 'ENOENT', 'UNKNOWN'])

function orNotALink(error: unknown): undefined {
  if (NO_LINK.has(errorCode(error))) return undefined
  throw error
}

function refused(code: 'not_a_file' | 'unsafe', detail: string): Target & { kind: 'refused' } {
  return { kind: 'refused', code, detail }
}
