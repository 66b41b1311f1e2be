/** How far the server's clock is ahead of ours, from the `Date` header of each answer. */
export interface Skew {
  /** Milliseconds to subtract from the server's times; 0 while the clocks agree. */
  ms(): number
  observe(headers: Headers, sentAt: number, receivedAt: number): void
}

/** `Date` counts whole seconds and ages in caches: smaller differences say nothing. */
const NEGLIGIBLE_MS = 2_000
const SMOOTHING = 0.2

export function createSkew(): Skew {
  let smoothed: number | undefined
  return {
    ms: () => (smoothed === undefined || Math.abs(smoothed) < NEGLIGIBLE_MS ? 0 : smoothed),
    observe(headers, sentAt, receivedAt) {
      const server = Date.parse(headers.get('date') ?? '')
      if (Number.isNaN(server)) return
      const sample = server - (sentAt + receivedAt) / 2
      smoothed = smoothed === undefined ? sample : smoothed + SMOOTHING * (sample - smoothed)
    },
  }
}
