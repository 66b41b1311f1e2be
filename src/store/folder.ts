import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from './target.ts'

/** Makes a folder and those above it where they are missing, durably. Throws Node's error. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; ; made = dirname(made)) {
    await flushFolder(dirname(made))
    if (made === first || made === dirname(made)) return
  }
}

/** Makes renames in a folder survive a power cut. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await openFolder(folder)
  try {
    await flush(handle)
  } finally {
    await handle?.close()
  }
}

/** Undefined where a folder cannot be opened: on Windows, and without the right to read it. */
export async function openFolder(folder: string): Promise<FileHandle | undefined> {
  return open(folder, 'r').catch(unlessUnable)
}

/** Makes renames in an open folder survive a power cut. */
export async function flush(folder: FileHandle | undefined): Promise<void> {
  await folder?.sync().catch(unlessUnable)
}

/** Windows and some network file systems cannot flush a folder; all others must. */
function unlessUnable(error: unknown): undefined {
  if (!CANNOT_FLUSH.has(errorCode(error))) throw error
}

const CANNOT_FLUSH = new Set(['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES', 'EISDIR', 'EBADF', 'ENOSYS'])
