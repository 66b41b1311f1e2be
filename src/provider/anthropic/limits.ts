import type { LimitRecord, LimitScope } from '../../../machines/limits.ts'
import type { Answer, Usage } from '../provider.ts'
import { readNumber, resetAfter, resetAt } from '../reset.ts'
import { readRetryAfter } from '../retry-after.ts'
import { SESSION, UNIFIED, WEEKLY, partWindow } from '../windows.ts'
import { family } from './family.ts'

const PREFIX = 'anthropic-ratelimit-unified-'
const WINDOW_HEADER = new RegExp(`^${PREFIX}(5h|7d)(?:_([a-z0-9_]+))?-(status|utilization|reset)$`)
/** A fraction beyond this (1000 %) is no fraction. */
const MAX_UTILIZATION = 10
/**
 * "Overage included": a weekly window that counts one model family without naming it. The family
 * is the one that was asked for. When the model is unknown, this name stands in for it; it matches
 * no model, so the bench that it makes holds nobody back.
 */
const OVERAGE_INCLUDED = 'oi'

/** One window as the headers of one answer describe it. */
interface UnifiedWindow {
  readonly length: typeof SESSION | typeof WEEKLY
  /** What the window counts: `sonnet`, `opus`, `oi`; undefined = everything. */
  readonly part: string | undefined
  readonly isRejected: boolean
  /** Undefined when not given or not usable. */
  readonly usedPercent: number | undefined
  /** Epoch ms, local clock. */
  readonly resetsAt: number | undefined
}

/** Usage of each window, from the headers of any answer. */
export function readUsage(answer: Answer): readonly Usage[] {
  return readWindows(answer).flatMap(({ length, part, usedPercent, resetsAt }) =>
    usedPercent === undefined
      ? []
      : [{ window: partWindow(length, part), usedPercent, resetsAt: resetsAt ?? null }],
  )
}

/**
 * A record for each window that refused; empty when no window did. Without per-window headers the
 * aggregate speaks for the window that it names.
 */
export function readRejectedLimits(answer: Answer): readonly LimitRecord[] {
  const rejected = readWindows(answer).filter((window) => window.isRejected)
  if (rejected.length > 0) return rejected.flatMap((window) => toRecord(window, answer))
  if (!isRejected(answer)) return []
  const claimed = readClaimedWindow(answer)
  if (claimed !== undefined) return toRecord(claimed, answer)
  return record('account', UNIFIED, readAnyReset(answer), answer)
}

/** Whether the aggregate status says that the request was refused. */
export function isRejected(answer: Answer): boolean {
  return readStatus(answer) === 'rejected'
}

/**
 * Whether a refused request failed for want of credits. The header comes with every answer of such
 * an account, so it explains nothing while the provider says that the account itself is allowed.
 */
export function isOutOfCredits(answer: Answer): boolean {
  const reason = readHeader(answer, 'overage-disabled-reason')?.trim().toLowerCase()
  return reason === 'out_of_credits' && !(readStatus(answer) ?? '').startsWith('allowed')
}

function readWindows(answer: Answer): readonly UnifiedWindow[] {
  const found = new Map<string, Record<string, string>>()
  for (const [name, value] of answer.headers) {
    const [, length, part = '', field] = WINDOW_HEADER.exec(name) ?? []
    if (length === undefined || field === undefined) continue
    const id = `${length}_${part}`
    found.set(id, { ...found.get(id), length, part, [field]: value })
  }
  return [...found.values()].map((fields) => toWindow(fields, answer))
}

function toWindow(fields: Record<string, string>, answer: Answer): UnifiedWindow {
  const used = readNumber(fields['utilization'])
  const usedPercent = used === undefined || used > MAX_UTILIZATION ? undefined : percent(used)
  const status = fields['status']?.trim().toLowerCase()
  return {
    length: fields['length'] === '5h' ? SESSION : WEEKLY,
    part: fields['part'] || undefined,
    // Without a status a full window explains a refusal as well.
    isRejected: status === undefined ? (usedPercent ?? 0) >= 100 : status === 'rejected',
    usedPercent,
    resetsAt: resetAt(fields['reset'], answer),
  }
}

/** The window that the aggregate names; its own reset when it has one. */
function readClaimedWindow(answer: Answer): UnifiedWindow | undefined {
  const claim = readHeader(answer, 'representative-claim')?.trim().toLowerCase() ?? ''
  const named = readWindowName(claim)
  if (named === undefined) return undefined
  const { length, part } = named
  const own = readWindows(answer).find((window) => window.length === length && window.part === part)
  return own ?? { length, part, isRejected: true, usedPercent: undefined, resetsAt: undefined }
}

/** A window by the name that bodies and claims give it: `five_hour`, `seven_day_opus`. */
export function readWindowName(name: string): Pick<UnifiedWindow, 'length' | 'part'> | undefined {
  const [, words, rest] = /^(five_hour|seven_day)(?:_([a-z0-9_]+))?$/.exec(name) ?? []
  if (words === undefined) return undefined
  return {
    length: words === 'five_hour' ? SESSION : WEEKLY,
    part: rest === 'overage_included' ? OVERAGE_INCLUDED : rest,
  }
}

function toRecord(window: UnifiedWindow, answer: Answer): readonly LimitRecord[] {
  const name = partWindow(window.length, window.part)
  return record(scopeOf(window.part, answer), name, window.resetsAt ?? readAnyReset(answer), answer)
}

function scopeOf(part: string | undefined, { model }: Answer): LimitScope {
  if (part === undefined) return 'account'
  if (part !== OVERAGE_INCLUDED) return { family: part }
  return { family: (model === undefined ? undefined : family(model)) ?? OVERAGE_INCLUDED }
}

/** No time, no record: a bench is never invented here. */
function record(
  scope: LimitScope,
  window: string,
  until: number | undefined,
  answer: Answer,
): readonly LimitRecord[] {
  if (until === undefined) return []
  return [{ scope, window, until, source: 'header', observedAt: answer.sentAt }]
}

/** The time of the answer as a whole, for a window that names none. */
function readAnyReset(answer: Answer): number | undefined {
  const wait = readRetryAfter(answer.headers, answer)
  return resetAt(readHeader(answer, 'reset'), answer) ?? resetAfter(wait, answer)
}

function readStatus(answer: Answer): string | undefined {
  return readHeader(answer, 'status')?.trim().toLowerCase()
}

function readHeader(answer: Answer, name: string): string | undefined {
  return answer.headers.get(PREFIX + name) ?? undefined
}

/** Two digits: 0.07 × 100 is 7.000000000000001. */
function percent(fraction: number): number {
  return Math.round(fraction * 10_000) / 100
}
