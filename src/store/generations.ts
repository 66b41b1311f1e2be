import { rm } from 'node:fs/promises'
import { writeAtomically } from './atomic.ts'
import { parseDocument } from './document.ts'
import type { StoreDocument } from './store.ts'
import { errorCode, readTarget } from './target.ts'

/** Two slots, used in turn: while one is written the other stays whole. */
const SLOTS = [0, 1]

/**
 * Keeps a copy of what was just written. A copy and not a link: a program that writes in place
 * would damage both. Its loss does no harm, so it is neither flushed nor allowed to fail.
 */
export async function keepGeneration(path: string, rev: number, text: string): Promise<void> {
  const slot = slotPath(path, rev % SLOTS.length)
  await writeAtomically(slot, text, { durable: false }).catch(() => undefined)
}

/**
 * The same in every slot, after something was deleted: what the person wants gone is in no copy
 * then. The slot of the revision first, so that one is always whole.
 */
export async function keepOnlyGeneration(path: string, rev: number, text: string): Promise<void> {
  await keepGeneration(path, rev, text)
  for (const slot of SLOTS) {
    if (slot === rev % SLOTS.length) continue
    const place = slotPath(path, slot)
    await writeAtomically(place, text, { durable: false }).catch(() =>
      rm(place, { force: true }).catch(() => undefined),
    )
  }
}

/**
 * The copy with the highest revision that is whole. Throws Node's error when one cannot be read,
 * which might be the newest. `tolerant`: not when another user keeps it to himself, for ever.
 */
export async function newestGeneration(
  path: string,
  { tolerant = false } = {},
): Promise<StoreDocument | undefined> {
  const copies = await Promise.all(
    SLOTS.map(async (slot) => readGeneration(slotPath(path, slot), tolerant)),
  )
  return copies.reduce(
    (newest, copy) => (newest === undefined || (copy?.rev ?? -1) > newest.rev ? copy : newest),
    undefined,
  )
}

async function readGeneration(path: string, tolerant: boolean): Promise<StoreDocument | undefined> {
  const target = await readTarget(path).catch((error: unknown) => {
    if (tolerant && FORBIDDEN.has(errorCode(error))) return undefined
    throw error
  })
  if (target?.kind !== 'file') return undefined
  const parsed = parseDocument(target.text)
  return parsed.ok ? parsed.document : undefined
}

const FORBIDDEN = new Set(['EACCES', 'EPERM'])

function slotPath(path: string, slot: number): string {
  return `${path}.bak-${slot}`
}
