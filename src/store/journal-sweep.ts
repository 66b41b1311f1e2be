import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Nobody holds a token this old without having read the store since. */
const KEPT_MS = 7 * 24 * 3_600_000
/** Longer than writing a ticket takes. */
const TEMPORARY_MS = 60_000

/**
 * Removes what is old from the journal's folder. Files of one token go together: a ticket that went
 * before its younger successors could be made anew.
 */
export async function sweepJournal(folder: string): Promise<void> {
  const groups = new Map<string, { readonly paths: string[]; youngest: number }>()
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) continue
    const group = groups.get(groupOf(name)) ?? { paths: [], youngest: 0 }
    groups.set(groupOf(name), group)
    group.paths.push(path)
    group.youngest = Math.max(group.youngest, found.mtimeMs)
  }
  for (const [name, { paths, youngest }] of groups) {
    const kept = name.startsWith('.') ? TEMPORARY_MS : KEPT_MS
    if (Date.now() - youngest <= kept) continue
    for (const path of paths) await rm(path, { force: true })
  }
}

/** The token's hash, or the whole name of a temporary file. */
function groupOf(name: string): string {
  return name.startsWith('.') ? name : (name.split('.')[0] ?? name)
}
