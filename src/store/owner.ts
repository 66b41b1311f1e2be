import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import * as v from 'valibot'
import { errorCode } from './target.ts'

/** Names one process among all that may ever see the file: pids alone are used again. */
export type OwnerRecord = v.InferOutput<typeof ownerSchema>

/** `unknown`: it lives where this process cannot look, so only time can tell. */
export type Liveness = 'alive' | 'dead' | 'unknown'

export const ownerSchema = v.object({
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Clock ticks since boot; absent where there is no /proc. */
  startTime: v.optional(v.string()),
  bootId: v.optional(v.string()),
  pidNamespace: v.optional(v.string()),
  host: v.string(),
  /** Tells two claims of the same process apart. */
  nonce: v.pipe(v.string(), v.uuid()),
})

/** What is known of a process that left something in a file. */
export interface ProcessTrace {
  readonly pid: number
  readonly startTime?: string | undefined
  readonly bootId?: string | undefined
  readonly pidNamespace?: string | undefined
  /** Absent: another program's record, which knows only processes that it can see itself. */
  readonly host?: string | undefined
}

/** A record of this process, with a fresh nonce. */
export function newOwnerRecord(): OwnerRecord {
  identity ??= ownIdentity()
  return { ...identity, nonce: randomUUID() }
}

/** Whether the process that wrote the record still runs. */
export function isAlive(record: ProcessTrace): Liveness {
  const own = newOwnerRecord()
  if (differ(record.host, own.host)) return 'unknown'
  // The machine was started anew: nothing of before survived, in no container.
  if (differ(record.bootId, own.bootId)) return 'dead'
  if (record.host !== undefined && record.pidNamespace !== own.pidNamespace) return 'unknown'
  if (!hasProcess(record.pid)) return 'dead'
  const seen = processStat(record.pid)
  if (seen === undefined) return 'alive'
  // A zombie runs no more, even if nobody has collected it yet.
  if (seen.state === 'Z' || seen.state === 'X') return 'dead'
  return differ(record.startTime, seen.startTime) ? 'dead' : 'alive'
}

/**
 * Whether the process lives, and was stopped by a signal (Ctrl-Z, SIGSTOP): it does nothing until
 * somebody lets it go on. Known only where there is a /proc.
 */
export function isHalted(record: ProcessTrace): boolean {
  return isAlive(record) === 'alive' && processStat(record.pid)?.state === 'T'
}

/** Whether the system still runs that ran then: what was on its disks is there, flushed or not. */
export function isOfThisBoot({ bootId }: ProcessTrace): boolean {
  return bootId !== undefined && bootId === newOwnerRecord().bootId
}

/** Whether both are one process. A record without a host is taken for one of this machine. */
export function isSameProcess(one: ProcessTrace, other: ProcessTrace): boolean {
  return (
    one.pid === other.pid &&
    !differ(one.host, other.host) &&
    !differ(one.bootId, other.bootId) &&
    !differ(one.pidNamespace, other.pidNamespace) &&
    !differ(one.startTime, other.startTime)
  )
}

let identity: Omit<OwnerRecord, 'nonce'> | undefined

function ownIdentity(): Omit<OwnerRecord, 'nonce'> {
  const startTime = processStat('self')?.startTime
  const bootId = readLine('/proc/sys/kernel/random/boot_id')
  const pidNamespace = readNamespace()
  return {
    pid: process.pid,
    ...(startTime === undefined ? {} : { startTime }),
    ...(bootId === undefined ? {} : { bootId }),
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
    host: hostId(),
  }
}

/** Two machines on one network drive may have the same name. The id itself is not to be shared. */
function hostId(): string {
  const machine = readLine('/etc/machine-id') ?? ''
  return createHash('sha256').update(`${hostname()}/${machine}`).digest('hex').slice(0, 16)
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as another user.
    return errorCode(error) !== 'ESRCH'
  }
}

function processStat(pid: number | 'self') {
  // The name in parentheses may hold anything, parentheses too. State is field 3, start field 22.
  const line = readLine(`/proc/${pid}/stat`)
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ')
  return fields === undefined ? undefined : { state: fields[0], startTime: fields[19] }
}

function readNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return undefined
  }
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other
}
