/** `Date` counts whole seconds and ages in caches: smaller differences say nothing. */
const NEGLIGIBLE_MS = 2_000

/** Server clock minus local clock by the `Date` header, ms; undefined when there is none. */
export function skewSample(
  headers: Headers,
  at: { readonly sentAt: number; readonly receivedAt: number },
): number | undefined {
  const server = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(server) ? undefined : server - (at.sentAt + at.receivedAt) / 2
}

/** The difference that counts; 0 while the clocks agree. */
export function countedSkew(ms: number | undefined): number {
  return ms === undefined || Math.abs(ms) < NEGLIGIBLE_MS ? 0 : ms
}
