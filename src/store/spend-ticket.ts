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
/**
 * An owner that cannot be looked at counts as dead after this: one of another host or container, or
 * a pid that may be another process's by now. Far longer than an exchange takes.
 */
const UNKNOWN_OWNER_EXPIRES_MS = 10 * 60_000
/** A ticket from further in the future was written before the clock was set back. */
const CLOCK_SLACK_MS = 5_000

/** Whether a path in the journal is that of a ticket. */
export function isTicket(path: string): boolean {
  return /\.spend\.\d+$/.test(path)
}

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
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), ownerSchema), text)
  const owner = parsed.success ? parsed.output : undefined
  const liveness = owner === undefined ? 'unknown' : isAlive(owner)
  if (liveness === 'alive' && owner?.startTime !== undefined) return 'held'
  const grace = liveness === 'dead' ? GRACE_AFTER_DEATH_MS : UNKNOWN_OWNER_EXPIRES_MS
  const age = Date.now() - found.mtimeMs
  return age > grace || age < -CLOCK_SLACK_MS ? 'dead' : 'held'
}

/** Says for good that the owner waits for no answer any more. Throws when it cannot. */
export async function markOver(path: string): Promise<void> {
  await writeFile(overPath(path), '', { mode: 0o600 })
}

function overPath(path: string): string {
  return `${path}.over`
}
