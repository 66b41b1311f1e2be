import { randomUUID } from 'node:crypto'
import { whoAmI } from './schedule.ts'

const killed = new Set<number>()

/** Stands in for `src/store/owner.ts`: the processes of a schedule instead of the machine's. */
export function newOwnerRecord() {
  return { pid: whoAmI() + 1, host: 'here', nonce: randomUUID() }
}

export function isOfThisBoot(): boolean {
  return true
}

export function isAlive({ pid }: { readonly pid: number }): 'alive' | 'dead' {
  return killed.has(pid) || isDistrustful ? 'dead' : 'alive'
}

export function markKilled(who: number): void {
  killed.add(who + 1)
}

export function reviveAll(): void {
  killed.clear()
}

let isDistrustful = false

/** Takes every owner for dead: the mistake that a limit in time makes with one that sleeps. */
export function trustNobody(on: boolean): void {
  isDistrustful = on
}
