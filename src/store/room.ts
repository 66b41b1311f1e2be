import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { flushFolder } from './folder.ts'
import { errorCode } from './target.ts'

/** More than any token answer takes. */
const ROOM_BYTES = 16 * 1024

/**
 * Makes a file at `path` that a later text fits into, so that a disk that fills up meanwhile can
 * no longer prevent its writing. Throws Node's error when there is no room.
 */
export async function reserveRoom(path: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    // Blanks: zeros may take no room on the disk.
    await file.writeFile(Buffer.alloc(ROOM_BYTES, ' '))
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Writes `text` into the room and gives it the name `target`, durably and in one step. False when
 * somebody who took us for dead has removed the room.
 */
export async function fillRoom(path: string, text: string, target: string): Promise<boolean> {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return false
  try {
    const bytes = Buffer.from(text)
    await file.write(bytes, 0, bytes.length, 0)
    await file.truncate(bytes.length)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(path, target)
  await flushFolder(dirname(target))
  return true
}
