import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { writeAtomically } from './atomic.ts'
import { makeFolder } from './folder.ts'
import type { SpendClaim, SpendJournal, SpendRecord } from './journal.ts'
import { type StoredTokens, sweepJournal } from './journal-sweep.ts'
import { fillRoom, reserveRoom } from './room.ts'
import { keyOf, readRecord, recordPath, serializeRecord } from './spend-record.ts'
import { makeTicket, markOver, markSent, ticketState, unmarkSent } from './spend-ticket.ts'
import { errorCode } from './target.ts'

const POLL_MS = 60
/** An owner that died after sending may have spent the token; after two nobody tries again. */
const MOST_DEAD_OWNERS = 1

/**
 * The journal as files in `folder`, which is made with mode 0700 when first needed. Nothing of it is
 * removed, however old, unless `storedTokens` says what is still needed.
 */
export function createFileJournal(
  folder: string,
  storedTokens: StoredTokens = async () => undefined,
): SpendJournal {
  /** The tickets of this process, until it gives them back or ends them for all to see. */
  const own = new Map<string, OwnTicket>()
  /** The ticket that stood in the way of the last claim. */
  const awaited = new Map<string, string>()

  const ticketPath = (key: string, n: number) => join(folder, `${key}.spend.${n}`)
  const pathOf = (key: string) => recordPath(folder, key)
  const read = (key: string) => readRecord(pathOf(key))

  async function claim(key: string): Promise<SpendClaim> {
    try {
      const record = await read(key)
      if (record !== undefined) return { kind: 'spent', record }
      const mine = own.get(key)
      if (mine !== undefined && !mine.isOver) return { kind: 'theirs' }
      if (mine !== undefined) return await takeAgain(key, mine.path)
      await makeFolder(folder)
      return await claimNext(key)
    } catch (error) {
      return { kind: 'unwritable', detail: errorCode(error) }
    }
  }

  /** What the owner of the ticket in the way has recorded by now. */
  async function told(key: string): Promise<SpendClaim> {
    const record = await read(key)
    return record === undefined ? { kind: 'theirs' } : { kind: 'spent', record }
  }

  /** Takes the first ticket that nobody has, if those before it have ended. */
  async function claimNext(key: string): Promise<SpendClaim> {
    let deaths = 0
    let inDoubt = false
    for (let n = 1; ; n++) {
      const ticket = ticketPath(key, n)
      const state = await ticketState(ticket)
      if (state === 'held') {
        awaited.set(key, ticket)
        return { kind: 'theirs' }
      }
      if (state === 'free') return take(key, ticket, inDoubt)
      if (state === 'dead') deaths += 1
      if (state !== 'unsent') inDoubt = true
      const record = await salvage(key, ticket)
      if (record !== undefined) return { kind: 'spent', record }
      if (deaths > MOST_DEAD_OWNERS) return { kind: 'lost' }
    }
  }

  async function take(key: string, ticket: string, inDoubt: boolean): Promise<SpendClaim> {
    if (!(await makeTicket(ticket))) return { kind: 'theirs' }
    own.set(key, { path: ticket, isOver: false })
    try {
      await reserveRoom(roomOf(ticket))
    } catch (error) {
      await release(key)
      throw error
    }
    // The last owner may have recorded its answer just before it ended.
    const record = await read(key)
    if (record === undefined) return { kind: 'ours', inDoubt }
    await release(key)
    return { kind: 'spent', record }
  }

  /** The disk did not take the mark that it is over: only this process knows. */
  async function takeAgain(key: string, ticket: string): Promise<SpendClaim> {
    await reserveRoom(roomOf(ticket))
    own.set(key, { path: ticket, isOver: false })
    return { kind: 'ours', inDoubt: true }
  }

  /** What an owner that is gone recorded, even if it died before it could give it its name. */
  async function salvage(key: string, ticket: string): Promise<SpendRecord | undefined> {
    const room = roomOf(ticket)
    const written = await readRecord(room)
    const step = written === undefined ? rm(room) : rename(room, pathOf(key))
    // Another process may do the same at this moment.
    await step.catch(() => undefined)
    return read(key)
  }

  async function write(key: string, outcome: SpendRecord): Promise<void> {
    const ticket = own.get(key)?.path
    const text = serializeRecord(outcome)
    await makeFolder(folder)
    // Throws for a record that cannot be read now: it may hold a new token.
    if (outcome.kind === 'dead') await read(key)
    const isFilled = ticket !== undefined && (await fillRoom(roomOf(ticket), text, pathOf(key)))
    if (!isFilled) await writeAtomically(pathOf(key), text)
    own.delete(key)
    // The record is kept: what cannot be swept now is no reason to write it again.
    await sweepJournal(folder, storedTokens).catch(() => undefined)
  }

  async function release(key: string): Promise<void> {
    const ticket = own.get(key)?.path
    if (ticket === undefined) return
    // Should this fail, this process can at least go on with it.
    own.set(key, { path: ticket, isOver: true })
    await rm(roomOf(ticket), { force: true, recursive: true })
    await unmarkSent(ticket)
    await rm(ticket, { force: true })
    own.delete(key)
  }

  return {
    async spent(tokens) {
      const names = new Set(await readdir(folder).catch(() => []))
      const keys = tokens.map(keyOf)
      // What cannot be read now is not applied; `claim` then says that nothing can be spent.
      const readIfThere = async (key: string) =>
        names.has(`${key}.next`) ? read(key).catch(() => undefined) : undefined
      return Promise.all(keys.map(readIfThere))
    },
    claim: (token) => claim(keyOf(token)),
    async wait(token, ms, signal) {
      const key = keyOf(token)
      const end = performance.now() + ms
      const ticket = awaited.get(key)
      for (;;) {
        const state = ticket === undefined ? 'free' : await ticketState(ticket)
        // Its owner gave up: another attempt at once would only meet the same trouble.
        if (state === 'over') return undefined
        const claimed = state === 'held' ? await told(key) : await claim(key)
        if (claimed.kind !== 'theirs') return claimed
        if (performance.now() >= end || signal?.aborted === true) return undefined
        await delay(POLL_MS * (1 + Math.random()))
      }
    },
    async markSent(token) {
      const ticket = own.get(keyOf(token))?.path
      if (ticket !== undefined) await markSent(ticket)
    },
    record: (token, outcome) => write(keyOf(token), outcome),
    release: (token) => release(keyOf(token)),
    async leaveInDoubt(token) {
      const key = keyOf(token)
      const ticket = own.get(key)?.path
      if (ticket === undefined) return
      own.set(key, { path: ticket, isOver: true })
      await markOver(ticket).then(
        () => own.delete(key),
        () => undefined,
      )
      await rm(roomOf(ticket), { force: true })
    },
  }
}

interface OwnTicket {
  readonly path: string
  /** The exchange ended in doubt. */
  readonly isOver: boolean
}

/** Where the answer will be written: reserved before the token is spent. */
function roomOf(ticket: string): string {
  return `${ticket}.room`
}
