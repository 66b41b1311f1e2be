import { countedSkew, skewSample } from '../provider/server-date.ts'

/** How far the server's clock is ahead of ours, from the `Date` header of each answer. */
export interface Skew {
  /** Milliseconds to subtract from the server's times; 0 while the clocks agree. */
  ms(): number
  observe(headers: Headers, sentAt: number, receivedAt: number): void
}

const SMOOTHING = 0.2

export function createSkew(): Skew {
  let smoothed: number | undefined
  return {
    ms: () => countedSkew(smoothed),
    observe(headers, sentAt, receivedAt) {
      const sample = skewSample(headers, { sentAt, receivedAt })
      if (sample === undefined) return
      smoothed = smoothed === undefined ? sample : smoothed + SMOOTHING * (sample - smoothed)
    },
  }
}
