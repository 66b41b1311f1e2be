import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as v from 'valibot'
import { type Secret, secret } from '../secret.ts'
import { writeAtomically } from './atomic.ts'
import type { SpendClaim, SpendJournal, SpendRecord } from './journal.ts'
import { isAlive, newOwnerRecord, ownerSchema } from './owner.ts'
import { errorCode } from './target.ts'

/** A dead owner's answer may still be on its way to the disk when we notice its death. */
const GRACE_AFTER_DEATH_MS = 2_000
/** A ticket of an owner that cannot be looked at (another host) counts as dead after this. */
const UNKNOWN_OWNER_EXPIRES_MS = 60_000
const POLL_MS = 60
/** A token is spent at most twice: by its owner, and once more when that owner died. */
const TICKETS = [1, 2]
/** Nobody holds a token this old without having read the store since. */
const KEPT_MS = 7 * 24 * 3_600_000

const recordSchema = v.variant('kind', [
  v.object({
    kind: v.literal('renewed'),
    accessToken: v.pipe(v.string(), v.transform(secret)),
    refreshToken: v.pipe(v.string(), v.transform(secret)),
    expiresAt: v.number(),
    accountId: v.optional(v.string()),
    email: v.optional(v.string()),
  }),
  v.object({ kind: v.literal('dead'), code: v.string() }),
])

/** The journal as files in `folder`, which is made with mode 0700 when first needed. */
export function createFileJournal(folder: string): SpendJournal {
  /** Tickets of this process: a later attempt of ours may go on with them. */
  const own = new Set<string>()

  const ticketPath = (token: Secret, n: number) => join(folder, `${keyOf(token)}.spend.${n}`)
  const recordPath = (token: Secret) => join(folder, `${keyOf(token)}.next`)

  async function read(token: Secret): Promise<SpendRecord | undefined> {
    const text = await readFile(recordPath(token), 'utf8').catch(() => undefined)
    if (text === undefined) return undefined
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), recordSchema), text)
    if (!parsed.success) return undefined
    const record = parsed.output
    if (record.kind === 'dead') return record
    return { ...record, accountId: record.accountId, email: record.email }
  }

  async function claim(token: Secret): Promise<SpendClaim> {
    const record = await read(token)
    if (record !== undefined) return { kind: 'spent', record }
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const n of TICKETS) {
        const path = ticketPath(token, n)
        if (own.has(path)) return { kind: 'ours', inDoubt: true }
        if (await makeTicket(folder, path)) {
          own.add(path)
          return { kind: 'ours', inDoubt: n > 1 }
        }
        if (!(await isAbandoned(path))) return { kind: 'theirs' }
      }
    } catch (error) {
      return { kind: 'unwritable', detail: errorCode(error) ?? 'unknown error' }
    }
    // The last owner may have recorded its answer just before it died.
    const late = await read(token)
    return late === undefined ? { kind: 'lost' } : { kind: 'spent', record: late }
  }

  return {
    read,
    claim,
    async wait(token, ms) {
      const end = performance.now() + ms
      for (;;) {
        const claimed = await claim(token)
        if (claimed.kind !== 'theirs') return claimed.kind === 'spent' ? claimed.record : claimed
        if (performance.now() >= end) return undefined
        await delay(POLL_MS * (1 + Math.random()))
      }
    },
    async record(token, record) {
      await writeAtomically(recordPath(token), JSON.stringify(disclose(record)))
      await removeOld(folder)
    },
    async release(token) {
      for (const n of TICKETS) {
        const path = ticketPath(token, n)
        if (own.delete(path)) await rm(path, { force: true })
      }
    },
  }
}

/** Complete and exclusive in one step: `link` fails when the ticket exists. */
async function makeTicket(folder: string, path: string): Promise<boolean> {
  const temporary = join(folder, `.${randomUUID()}.tmp`)
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

/** Its owner is dead for sure, and for long enough that its answer would be here. */
async function isAbandoned(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  // Given back in this moment: whoever asks again gets it.
  if (found === undefined) return false
  const age = Date.now() - found.mtimeMs
  const text = await readFile(path, 'utf8').catch(() => '')
  const owner = v.safeParse(v.pipe(v.string(), v.parseJson(), ownerSchema), text)
  const liveness = owner.success ? isAlive(owner.output) : 'unknown'
  if (liveness === 'alive') return false
  return age > (liveness === 'dead' ? GRACE_AFTER_DEATH_MS : UNKNOWN_OWNER_EXPIRES_MS)
}

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > KEPT_MS) await rm(path, { force: true })
  }
}

function disclose(record: SpendRecord): unknown {
  if (record.kind === 'dead') return record
  const { accessToken, refreshToken } = record
  return { ...record, accessToken: accessToken.reveal(), refreshToken: refreshToken.reveal() }
}

/** Tokens never become file names: their hash does. */
function keyOf(token: Secret): string {
  return createHash('sha256').update(token.reveal()).digest('hex').slice(0, 32)
}
