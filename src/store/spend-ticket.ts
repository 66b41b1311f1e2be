import { randomUUID } from 'node:crypto'
import { link, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { type OwnerRecord, isAlive, isOfThisBoot, newOwnerRecord, ownerSchema } from './owner.ts'
import { errorCode } from './target.ts'

/**
 * `free`: there is none. `held`: its owner lives. `over`: its owner ended an exchange in doubt.
 * `unsent`: its owner died, and had certainly not sent the token. `dead`: it died, and may have.
 */
export type TicketState = 'free' | 'held' | 'over' | 'unsent' | 'dead'

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
  // After the look at its owner: nobody else makes the mark.
  const isUnsent = liveness === 'dead' && owner !== undefined && (await isUnmarked(path, owner))
  const grace = liveness === 'dead' ? GRACE_AFTER_DEATH_MS : UNKNOWN_OWNER_EXPIRES_MS
  const age = Date.now() - found.mtimeMs
  if (age <= grace && age >= -CLOCK_SLACK_MS) return 'held'
  return isUnsent ? 'unsent' : 'dead'
}

/**
 * Says that the token is about to be sent. Not flushed: a killed process loses nothing of what it
 * wrote, and after a power cut the missing of the mark proves nothing anyway (`isUnmarked`).
 */
export async function markSent(path: string): Promise<void> {
  await writeFile(sentPath(path), '', { mode: 0o600 })
}

/** Takes the mark back, before the ticket itself: the token was not spent after all. */
export async function unmarkSent(path: string): Promise<void> {
  await rm(sentPath(path), { force: true })
}

/** Only within one boot: with the system, a mark that was not flushed may have gone. */
async function isUnmarked(path: string, owner: OwnerRecord): Promise<boolean> {
  if (!isOfThisBoot(owner)) return false
  const missing = await stat(sentPath(path)).then(() => undefined, errorCode)
  return missing === 'ENOENT'
}

/** Says for good that the owner waits for no answer any more. Throws when it cannot. */
export async function markOver(path: string): Promise<void> {
  await writeFile(overPath(path), '', { mode: 0o600 })
}

function sentPath(path: string): string {
  return `${path}.sent`
}

function overPath(path: string): string {
  return `${path}.over`
}
