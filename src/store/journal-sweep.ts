import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secret } from '../secret.ts'
import { keyOf, readRecord, recordPath } from './spend-record.ts'
import { isTicket, ticketState } from './spend-ticket.ts'

/** The refresh tokens in the accounts files that share a journal; undefined = nobody can tell now. */
export type StoredTokens = () => Promise<readonly Secret[] | undefined>

/** Nobody holds a token this old in memory without having read the store since. */
const KEPT_MS = 7 * 24 * 3_600_000
/** Longer than writing a ticket takes. */
const TEMPORARY_MS = 60_000

/**
 * Removes what is old from the journal's folder, and what no stored token leads to: an accounts file
 * that could not be written for weeks is brought up to date by all records since. Files of one token
 * go together: a ticket that went before its younger successors could be made anew.
 */
export async function sweepJournal(folder: string, storedTokens: StoredTokens): Promise<void> {
  const old = (await groupsIn(folder)).filter(isOld)
  await removeAll(old.filter(({ isTemporary }) => isTemporary))
  const spent = old.filter(({ isTemporary }) => !isTemporary)
  const stored = spent.length === 0 ? undefined : await storedTokens()
  if (stored === undefined) return
  const needed = await reachable(folder, stored.map(keyOf))
  for (const group of spent) {
    if (!needed.has(group.name) && !(await isHeld(group))) await removeAll([group])
  }
}

interface Group {
  /** The token's key, or the whole name of a temporary file. */
  readonly name: string
  readonly isTemporary: boolean
  readonly paths: string[]
  /** When the youngest of its files was changed, epoch ms. */
  youngest: number
}

async function groupsIn(folder: string): Promise<Group[]> {
  const groups = new Map<string, Group>()
  for (const file of await readdir(folder).catch(() => [])) {
    const path = join(folder, file)
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) continue
    const isTemporary = file.startsWith('.')
    const name = isTemporary ? file : (file.split('.')[0] ?? file)
    const group = groups.get(name) ?? { name, isTemporary, paths: [], youngest: 0 }
    groups.set(name, group)
    group.paths.push(path)
    group.youngest = Math.max(group.youngest, found.mtimeMs)
  }
  return [...groups.values()]
}

function isOld({ isTemporary, youngest }: Group): boolean {
  return Date.now() - youngest > (isTemporary ? TEMPORARY_MS : KEPT_MS)
}

/** The keys of the stored tokens, and of those that their records lead to. */
async function reachable(folder: string, stored: readonly string[]): Promise<ReadonlySet<string>> {
  const keys = new Set(stored)
  // A set also visits what is added on the way.
  for (const key of keys) {
    const record = await readRecord(recordPath(folder, key))
    if (record?.kind === 'renewed') keys.add(keyOf(record.refreshToken))
  }
  return keys
}

/** Nothing came of it yet, and its owner lives, however long it has slept. */
async function isHeld({ name, paths }: Group): Promise<boolean> {
  if (paths.some((path) => path.endsWith(`${name}.next`))) return false
  const states = await Promise.all(paths.filter(isTicket).map(ticketState))
  return states.includes('held')
}

async function removeAll(groups: readonly Group[]): Promise<void> {
  for (const path of groups.flatMap(({ paths }) => paths)) await rm(path, { force: true })
}
