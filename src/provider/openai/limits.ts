import type { LimitRecord, LimitScope } from '../../../machines/limits.ts'
import type { Answer, Usage } from '../provider.ts'
import { readNumber, resetAfter, resetAt } from '../reset.ts'
import { SESSION, WEEKLY, partWindow } from '../windows.ts'
import { family } from './family.ts'

const SLOT_HEADER =
  /^x-codex-(?:([a-z0-9_-]+)-)?(primary|secondary)-(used-percent|window-minutes|reset-after-seconds|reset-at)$/
const MAX_SESSION_MINUTES = 6 * 60
const MIN_WEEKLY_MINUTES = 6 * 24 * 60
/** More than ten times the allowance is no percentage. */
export const MAX_PERCENT = 1_000

/** One slot of the headers, read. Which window it holds is told by its length alone. */
interface Slot {
  /** The named limit that it belongs to (`bengalfox`); undefined = the account's own. */
  readonly limit: string | undefined
  readonly window: string
  readonly usedPercent: number | undefined
  /** Epoch ms, local clock. */
  readonly resetsAt: number | undefined
}

/** Usage of each window, from the headers of any answer. A window that is off has none. */
export function readUsage(answer: Answer): readonly Usage[] {
  return readSlots(answer).flatMap(({ limit, window, usedPercent, resetsAt }) => {
    if (usedPercent === undefined) return []
    const name = partWindow(window, partName(limit, answer))
    return [{ window: name, usedPercent, resetsAt: resetsAt ?? null }]
  })
}

/** A record for each used-up window of the limit that this request counted against. */
export function readUsedUpLimits(answer: Answer): readonly LimitRecord[] {
  const active = readActiveLimit(answer)
  return readSlots(answer)
    .filter((slot) => slot.limit === active && (slot.usedPercent ?? 0) >= 100)
    .flatMap(({ window, resetsAt }) => {
      if (resetsAt === undefined) return []
      const name = partWindow(window, partName(active, answer))
      return [limitRecord({ scope: scopeOf(answer), window: name, until: resetsAt }, answer)]
    })
}

/** The whole account, unless the answer names a limit that only some models have. */
export function scopeOf(answer: Answer): LimitScope {
  const asked = answer.model === undefined ? undefined : family(answer.model)
  return readActiveLimit(answer) === undefined || asked === undefined
    ? 'account'
    : { family: asked }
}

function limitRecord(
  limit: Pick<LimitRecord, 'scope' | 'window' | 'until'>,
  answer: Answer,
): LimitRecord {
  return { ...limit, source: 'header', observedAt: answer.sentAt }
}

function readSlots(answer: Answer): readonly Slot[] {
  const found = new Map<string, Record<string, string>>()
  for (const [name, value] of answer.headers) {
    const [, limit = '', slot, field] = SLOT_HEADER.exec(name) ?? []
    if (slot === undefined || field === undefined) continue
    const id = `${limit}/${slot}`
    found.set(id, { ...found.get(id), limit, slot, [field]: value })
  }
  const slots = [...found.values()].flatMap((fields) => toSlot(fields, answer))
  // Where the limit that was asked has headers of its own, the unnamed ones are a copy of them.
  return readActiveLimit(answer) === undefined ? slots : slots.filter((slot) => slot.limit)
}

function toSlot(fields: Record<string, string>, answer: Answer): readonly Slot[] {
  const minutes = readNumber(fields['window-minutes'])
  if (minutes === 0) return []
  const used = readNumber(fields['used-percent'])
  const seconds = readNumber(fields['reset-after-seconds'])
  const after = resetAfter(seconds === undefined ? undefined : seconds * 1_000, answer)
  return [
    {
      limit: fields['limit'] || undefined,
      window: windowName(minutes) ?? fields['slot'] ?? '',
      usedPercent: used !== undefined && used <= MAX_PERCENT ? used : undefined,
      resetsAt: after ?? resetAt(fields['reset-at'], answer),
    },
  ]
}

/** By its length alone; undefined when that is unknown. */
export function windowName(minutes: number | undefined): string | undefined {
  if (minutes === undefined) return undefined
  if (minutes <= MAX_SESSION_MINUTES) return SESSION
  return minutes >= MIN_WEEKLY_MINUTES ? WEEKLY : `${Math.round(minutes / 60)}h`
}

/** The limit that the request counted against, when it is a named one with headers of its own. */
function readActiveLimit({ headers }: Answer): string | undefined {
  const active = headers.get('x-codex-active-limit')?.trim().toLowerCase()
  const limit = active?.replaceAll('_', '-').replace(/^codex-/, '')
  if (limit === undefined || !/^[a-z0-9-]+$/.test(limit)) return undefined
  return ['primary', 'secondary'].some((slot) =>
    headers.has(`x-codex-${limit}-${slot}-used-percent`),
  )
    ? limit
    : undefined
}

/** A named limit goes by its model's family when the provider gives a model's name for it. */
function partName(limit: string | undefined, { headers }: Answer): string | undefined {
  if (limit === undefined) return undefined
  return family(headers.get(`x-codex-${limit}-limit-name`) ?? '') ?? limit
}
