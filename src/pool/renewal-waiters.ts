import type { RefreshOutcome } from '../../machines/refresh.ts'

/** Requests that wait for a token. Whoever waits is always told, whatever becomes of the machine. */
export interface RenewalWaiters {
  /** Resolves with the next outcome for the account; rejects with the signal's reason. */
  wait(id: string, signal: AbortSignal | undefined): Promise<RefreshOutcome>
  settle(id: string, outcome: RefreshOutcome): void
  /** Nobody will report an outcome any more. */
  giveUp(detail: string): void
}

export function createRenewalWaiters(): RenewalWaiters {
  const waiting = new Map<string, Set<(outcome: RefreshOutcome) => void>>()

  function settle(id: string, outcome: RefreshOutcome): void {
    const told = waiting.get(id)
    waiting.delete(id)
    for (const tell of told ?? []) tell(outcome)
  }

  return {
    wait(id, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const others = waiting.get(id) ?? new Set()
        waiting.set(id, others.add(tell))
        signal?.addEventListener('abort', abort, { once: true })

        function tell(outcome: RefreshOutcome): void {
          signal?.removeEventListener('abort', abort)
          resolve(outcome)
        }
        function abort(): void {
          others.delete(tell)
          reject(signal?.reason)
        }
      })
    },
    settle,
    giveUp(detail) {
      for (const id of waiting.keys()) {
        settle(id, { kind: 'failed', failure: 'unavailable', detail })
      }
    },
  }
}
