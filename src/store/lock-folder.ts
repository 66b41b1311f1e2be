import { randomUUID } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import * as v from 'valibot'
import { insist } from './insist.ts'
import { newOwnerRecord, ownerSchema } from './owner.ts'
import { errorCode } from './target.ts'

/** A lock folder that this process made. */
export interface Claim {
  readonly path: string
  /** Which folder: a path alone may by now be another process's lock. */
  readonly folder: string
  readonly nonce: string
}

/** Beside the folder, not in it: others who use the same lock can only remove an empty folder. */
export type LockRecord = v.InferOutput<typeof recordSchema>

const recordSchema = v.object({ ...ownerSchema.entries, folder: v.string() })

/** Takes the lock: throws EEXIST when it is taken. */
export function claimFolder(path: string): Claim {
  mkdirSync(path, 0o700)
  const owner = newOwnerRecord()
  const claim = { path, folder: madeFolder(path), nonce: owner.nonce }
  writeRecord(path, JSON.stringify({ ...owner, folder: claim.folder }))
  return claim
}

/** Without a record others wait for `stale`: no reason to go without the lock. */
function writeRecord(path: string, text: string): void {
  try {
    writeFileSync(recordPath(path), text, { mode: 0o600 })
  } catch {
    // A full disk takes an empty file, and no more.
    insist(() => rmSync(recordPath(path), { force: true }))
  }
}

/** A folder that cannot be told from another is no lock, and would stand in everybody's way. */
function madeFolder(path: string): string {
  try {
    return folderAt(path) ?? ''
  } catch (error) {
    insist(() => rmdirSync(path))
    throw error
  }
}

/** False when in doubt. Never throws. */
export function isOurs(claim: Claim): boolean {
  try {
    return isAtPlace(claim)
  } catch {
    return false
  }
}

function isAtPlace(claim: Claim): boolean {
  return (
    folderAt(claim.path) === claim.folder && (recordOf(claim)?.nonce ?? claim.nonce) === claim.nonce
  )
}

/** Gives the lock back, unless it is somebody else's by now. */
export function unclaimFolder(claim: Claim): void {
  if (!isAtPlace(claim)) return
  clear(claim.path)
  // Last, and only ours: in between, the next owner may have written its own.
  if (readRecord(claim.path)?.nonce === claim.nonce) rmSync(recordPath(claim.path), { force: true })
}

/** Who holds the lock, for messages. */
export function holderOf(path: string): number | undefined {
  const folder = folderAt(path)
  return folder === undefined ? undefined : recordOf({ path, folder })?.pid
}

/** A record that speaks of another folder was left by somebody who died. */
function recordOf({ path, folder }: Omit<Claim, 'nonce'>): LockRecord | undefined {
  const record = readRecord(path)
  return record?.folder === folder ? record : undefined
}

function recordPath(path: string): string {
  return `${path}-owner`
}

/** Identifies what stands at the path now. */
export function folderAt(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.ino}:${stat.birthtimeNs}`
}

/** The record beside the lock, if there is a readable one. */
export function readRecord(path: string): LockRecord | undefined {
  try {
    return v.parse(recordSchema, JSON.parse(readFileSync(recordPath(path), 'utf8')))
  } catch {
    return undefined
  }
}

/** Removes what stands at the path: an empty folder, one with something in it, a file, a link. */
export function clear(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isDirectory()) return unlinkSync(path)
  try {
    rmdirSync(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    // Renaming frees the path in one step; removing what was in it can take its time.
    const junk = `${path}-junk-${randomUUID()}`
    renameSync(path, junk)
    rmSync(junk, { recursive: true, force: true })
  }
}
