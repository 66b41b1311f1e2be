import type { LimitRecord, UsageRead } from '../../machines/limits.ts'
import type { UsageReport } from '../provider/provider.ts'
import { partOf } from '../provider/windows.ts'

/**
 * What a usage report proves about limits. A full window is none while the provider says that the
 * account is served all the same; one without a reset benches nobody, for no end is invented.
 */
export function evidenceOf({ usage, isAllowed }: UsageReport, at: number): UsageRead {
  const accountWide = usage.filter(({ window }) => partOf(window) === undefined)
  const isFull = accountWide.some(({ usedPercent }) => usedPercent >= 100)
  const isFree = accountWide.length > 0 && (isAllowed ?? !isFull)
  const usedUp = usage.flatMap(({ window, usedPercent, resetsAt }) => {
    const part = partOf(window)
    const scope: LimitRecord['scope'] = part === undefined ? 'account' : { family: part }
    const isOver = resetsAt === null || resetsAt <= at
    if (usedPercent < 100 || isOver || (isFree && scope === 'account')) return []
    return [{ scope, window, until: resetsAt }]
  })
  return { at, usedUp, isFree }
}
