import { randomUUID } from 'node:crypto'
import { link, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { isAlive, newOwnerRecord, ownerSchema } from './owner.ts'
import { errorCode } from './target.ts'

/**
 * `free`: there is none. `held`: its owner lives. `over`: its owner ended an exchange in doubt.
 * `dead`: its owner died with it.
 */
export type TicketState = 'free' | 'held' | 'over' | 'dead'

/** A dead owner's answer may still be on its way to the disk when we notice its death. */
const GRACE_AFTER_DEATH_MS = 2_000
/** A ticket of an owner that cannot be looked at (another host) counts as dead after this. */
const UNKNOWN_OWNER_EXPIRES_MS = 60_000

/** Complete and exclusive in one step: `link` fails when the ticket exists. False: it does. */
export async function makeTicket(path: string): Promise<boolean> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(JSON.stringify(newOwnerRecord()))
    await file.sync()
    await link(temporary, path)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await file.close()
    await rm(temporary, { force: true })
  }
}

export async function ticketState(path: string): Promise<TicketState> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return 'free'
  if ((await stat(overPath(path)).catch(() => undefined)) !== undefined) return 'over'
  const text = await readFile(path, 'utf8').catch(() => '')
  const owner = v.safeParse(v.pipe(v.string(), v.parseJson(), ownerSchema), text)
  const liveness = owner.success ? isAlive(owner.output) : 'unknown'
  if (liveness === 'alive') return 'held'
  const grace = liveness === 'dead' ? GRACE_AFTER_DEATH_MS : UNKNOWN_OWNER_EXPIRES_MS
  return Date.now() - found.mtimeMs > grace ? 'dead' : 'held'
}

/** Says for good that the owner waits for no answer any more. Throws when it cannot. */
export async function markOver(path: string): Promise<void> {
  await writeFile(overPath(path), '', { mode: 0o600 })
}

function overPath(path: string): string {
  return `${path}.over`
}
