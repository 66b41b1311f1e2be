import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isTemporary } from './atomic.ts'
import { isLeftover } from './lock-repair.ts'

/** Longer than any write takes; a writer that slept longer finds its file gone and starts anew. */
const LEFT_OVER_MS = 60_000

/** Removes what killed processes left beside `path`: temporary files hold tokens. Never throws. */
export async function sweep(path: string, now: () => number): Promise<void> {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => [])
  const lockName = `${basename(path)}.lock`
  const candidates = names.filter((name) => isTemporary(path, name) || isLeftover(lockName, name))
  await Promise.all(candidates.map((name) => removeIfOld(join(folder, name), now)))
}

async function removeIfOld(path: string, now: () => number): Promise<void> {
  try {
    const { mtimeMs } = await stat(path)
    if (mtimeMs < now() - LEFT_OVER_MS) await rm(path, { recursive: true, force: true })
  } catch {
    // Somebody else removed it, or it cannot be removed: neither is worth a failed write.
  }
}
