import * as v from 'valibot'
import type { ProcessTrace } from './owner.ts'

/** One lease as the claims file holds it. */
export type StoredLease = v.InferOutput<typeof leaseSchema>

/** One entry of the claims file: the leases of one account. */
interface ClaimsEntry {
  readonly leases: readonly StoredLease[]
  /** As it stands in the file, with fields and values that this version does not know. */
  readonly raw: unknown
}

/** The claims file: entries by account id. */
export type ClaimsDocument = ReadonlyMap<string, ClaimsEntry>

const time = v.pipe(v.number(), v.finite())
const pid = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** Loose: a lease of a later version keeps what it brought. */
const leaseSchema = v.looseObject({
  pid,
  /** The `startTime` of `owner.ts`: tells a process from a later one with its number. */
  startedAt: v.optional(v.string()),
  bootId: v.optional(v.string()),
  pidNamespace: v.optional(v.string()),
  /** Absent: written by a program that knows only `{pid, at}`. */
  host: v.optional(v.string()),
  /** Epoch ms of the last sign of life. */
  at: time,
  inFlight: v.optional(v.fallback(count, 1), 1),
})

/** What other programs know of an entry: the newest lease. */
const plainSchema = v.object({ pid, at: time })

/** Reads the text of a claims file. Damage is emptiness: it holds nothing that matters. */
export function parseClaims(text: string): ClaimsDocument {
  const raw = parseJson(text)
  if (!isObject(raw)) return new Map()
  return new Map(Object.entries(raw).map(([id, entry]) => [id, toEntry(entry)]))
}

/** The text of the claims file. `pid` and `at` of an entry are those of its newest lease. */
export function serializeClaims(claims: ClaimsDocument): string {
  const entries = [...claims].map(([id, { leases, raw }]) => {
    const newest = leases.reduce<StoredLease | undefined>(
      (latest, lease) => (latest === undefined || lease.at > latest.at ? lease : latest),
      undefined,
    )
    if (newest === undefined) return [id, raw] as const
    return [id, { ...(isObject(raw) ? raw : {}), pid: newest.pid, at: newest.at, leases }] as const
  })
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`
}

/**
 * Every lease passed through `change`, which returns undefined for one that goes. An entry goes
 * with its last lease; one that never had any is another program's, and stays.
 */
export function changeLeases(
  claims: ClaimsDocument,
  change: (lease: StoredLease, account: string) => StoredLease | undefined,
): ClaimsDocument {
  const changed = [...claims].map(([account, { leases, raw }]) => {
    const kept = leases.flatMap((lease) => change(lease, account) ?? [])
    return { account, raw, kept, isEmptied: leases.length > 0 && kept.length === 0 }
  })
  return new Map(
    changed
      .filter(({ isEmptied }) => !isEmptied)
      .map(({ account, raw, kept }) => [account, { leases: kept, raw }]),
  )
}

export function addLease(
  claims: ClaimsDocument,
  account: string,
  lease: StoredLease,
): ClaimsDocument {
  const entry = claims.get(account) ?? { leases: [], raw: {} }
  return new Map(claims).set(account, { ...entry, leases: [...entry.leases, lease] })
}

export function traceOf({ startedAt, ...lease }: StoredLease): ProcessTrace {
  const { pid: number, bootId, pidNamespace, host } = lease
  return { pid: number, startTime: startedAt, bootId, pidNamespace, host }
}

function toEntry(raw: unknown): ClaimsEntry {
  if (!isObject(raw)) return { leases: [], raw }
  const { leases: list } = raw
  const listed = (Array.isArray(list) ? list : []).flatMap((item: unknown) => {
    const lease = v.safeParse(leaseSchema, item)
    return lease.success ? [lease.output] : []
  })
  const plain = v.safeParse(plainSchema, raw)
  const isListed = (lease: StoredLease) =>
    plain.success && lease.pid === plain.output.pid && lease.at >= plain.output.at
  if (!plain.success || listed.some(isListed)) return { leases: listed, raw }
  // Another program was here after us: what it says is one lease more, or news of its last one.
  const others = listed.filter(
    (lease) => lease.host !== undefined || lease.pid !== plain.output.pid,
  )
  return { leases: [...others, { ...plain.output, inFlight: 1 }], raw }
}

/** Anything wrong is undefined. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
