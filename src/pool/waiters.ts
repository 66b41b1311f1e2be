import type { World } from '../world.ts'

/** Requests that wait until something changes. */
export interface Waiters {
  /** Resolves at the next `wake`, or at `until` (epoch ms); rejects with the signal's reason. */
  wait(until: number, signal: AbortSignal | undefined): Promise<void>
  wake(): void
}

export function createWaiters(world: Pick<World, 'now' | 'delay'>): Waiters {
  const sleeping = new Set<AbortController>()
  return {
    async wait(until, signal) {
      const woken = new AbortController()
      const either = signal === undefined ? woken.signal : AbortSignal.any([signal, woken.signal])
      sleeping.add(woken)
      try {
        await world.delay(Math.max(0, until - world.now()), either)
      } catch (error) {
        signal?.throwIfAborted()
        if (!woken.signal.aborted) throw error
      } finally {
        sleeping.delete(woken)
      }
    },
    wake() {
      for (const woken of sleeping) woken.abort()
    },
  }
}
