import type { Usage } from '../../provider/provider.ts'
import { partOf } from '../../provider/windows.ts'

/** From here on there is no threshold: an account that is used up is limited. */
const OFF_PERCENT = 100

/** Whether so much of an account is used that it should take no new conversations. */
export function isAboveQuota(usage: readonly Usage[], threshold: number, now: number): boolean {
  return threshold < OFF_PERCENT && accountUsedPercent(usage, now) > threshold
}

/**
 * The fullest window that counts the whole account and has not been reset since it was read; 0
 * when none is known. May pass 100.
 */
export function accountUsedPercent(usage: readonly Usage[], now: number): number {
  return usage
    .filter(({ window, resetsAt }) => partOf(window) === undefined && (resetsAt ?? Infinity) > now)
    .reduce((most, { usedPercent }) => Math.max(most, usedPercent), 0)
}
