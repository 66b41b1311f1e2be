import type { Usage } from '../provider/provider.ts'
import { SESSION, WEEKLY, partOf, partWindow } from '../provider/windows.ts'
import type { CachedWindow, StoredAccount } from '../store/schema.ts'

/** How much of an account is used, and since when that is known. */
export interface KnownUsage {
  readonly usage: readonly Usage[]
  /** Epoch ms; 0 = never. */
  readonly usageAt: number
}

const LENGTHS = [
  ['five_hour', SESSION],
  ['seven_day', WEEKLY],
] as const
/** Readers of the original format expect these three, if only as null. */
const ALWAYS = { five_hour: null, seven_day: null, seven_day_sonnet: null }
/** Whoever wrote a time further ahead has another clock: what it says of age is worth nothing. */
const TOLERATED_AHEAD_MS = 60_000

/** What the accounts file knows of an account's usage; undefined when that is nothing. */
export function storedUsage(
  { cachedUsage, cachedUsageAt }: StoredAccount,
  now: number,
): KnownUsage | undefined {
  if (cachedUsage === undefined || !isBelievable(cachedUsageAt, now)) return undefined
  const usage = Object.entries(cachedUsage).flatMap(([key, cached]) =>
    cached === null ? [] : [toUsage(key, cached)],
  )
  return { usage, usageAt: cachedUsageAt }
}

/** The account with what is known here, unless the file knows something newer. */
export function withUsage(
  account: StoredAccount,
  { usage, usageAt }: KnownUsage,
  now: number,
): StoredAccount {
  const { cachedUsageAt } = account
  if (usageAt === 0 || (isBelievable(cachedUsageAt, now) && cachedUsageAt >= usageAt)) {
    return account
  }
  const windows = usage.map((known) => [keyOf(known.window), toCached(known)] as const)
  const cachedUsage: Record<string, CachedWindow | null> = {
    ...ALWAYS,
    ...Object.fromEntries(windows),
  }
  return { ...account, cachedUsage, cachedUsageAt: usageAt }
}

function isBelievable(at: number | undefined, now: number): at is number {
  return at !== undefined && at > 0 && at <= now + TOLERATED_AHEAD_MS
}

function toCached({ usedPercent, resetsAt }: Usage): CachedWindow {
  return {
    utilization: usedPercent,
    resets_at: resetsAt === null ? null : new Date(resetsAt).toISOString(),
  }
}

function toUsage(key: string, { utilization, resets_at }: CachedWindow): Usage {
  const resetsAt = resets_at === null ? Number.NaN : Date.parse(resets_at)
  return {
    window: windowOf(key),
    usedPercent: Math.max(0, utilization),
    resetsAt: Number.isNaN(resetsAt) ? null : resetsAt,
  }
}

/** `weekly:opus` → `seven_day_opus`; a window of another length keeps its name. */
function keyOf(window: string): string {
  const part = partOf(window)
  const [length = window] = window.split(':')
  const key = LENGTHS.find(([, name]) => name === length)?.[0]
  if (key === undefined) return window
  return part === undefined ? key : `${key}_${part}`
}

function windowOf(key: string): string {
  const found = LENGTHS.find(([start]) => key === start || key.startsWith(`${start}_`))
  if (found === undefined) return key
  const [start, window] = found
  return partWindow(window, key.slice(start.length + 1) || undefined)
}
