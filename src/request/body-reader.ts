import type { World } from '../world.ts'

/** What one look at a body brought. All but `bytes` are the last. */
export type Read =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly error: unknown }
  /** Nothing came for longer than the limit. */
  | { readonly kind: 'stalled' }
  /** Whoever reads does not want the rest. */
  | { readonly kind: 'stopped' }

/** A body, read chunk by chunk. Never rejects. */
export interface BodyReader {
  /** One call at a time. */
  next(): Promise<Read>
  /** Cancels what is still to come; a pending `next` resolves at once. */
  stop(reason: unknown): void
}

export interface BodyReaderParts {
  readonly world: Pick<World, 'arm' | 'monotonic'>
  readonly hangUp: () => void
}

/** `idleMs`: how long `next` waits for a chunk; undefined = for ever. */
export function createBodyReader(
  { world, hangUp }: BodyReaderParts,
  body: ReadableStream<Uint8Array>,
  idleMs: number | undefined,
): BodyReader {
  const reader = body.getReader()
  let last: Read | undefined
  let answer: ((read: Read) => void) | undefined
  /** Only while somebody waits: a host that reads slowly is no stall of the provider. */
  let waitingSince: number | undefined
  let disarm: (() => void) | undefined

  function settle(read: Read): void {
    if (last !== undefined) return
    waitingSince = undefined
    if (read.kind !== 'bytes') {
      last = read
      disarm?.()
    }
    answer?.(read)
  }

  function cancel(read: Read, reason: unknown): void {
    if (last !== undefined) return
    settle(read)
    void reader.cancel(reason).catch(() => {})
    hangUp()
  }

  /** One timer for many chunks: it looks how long the present one is awaited. */
  function watchIdle(limitMs: number, ms: number): void {
    disarm = world.arm(() => {
      disarm = undefined
      if (waitingSince === undefined) return
      const left = limitMs - (world.monotonic() - waitingSince)
      if (left > 0) watchIdle(limitMs, left)
      else cancel({ kind: 'stalled' }, undefined)
    }, ms)
  }

  return {
    next() {
      if (last !== undefined) return Promise.resolve(last)
      if (idleMs !== undefined) {
        waitingSince = world.monotonic()
        if (disarm === undefined) watchIdle(idleMs, idleMs)
      }
      return new Promise((resolve) => {
        answer = resolve
        reader.read().then(
          ({ done, value }) => settle(done ? { kind: 'end' } : { kind: 'bytes', bytes: value }),
          (error: unknown) => settle({ kind: 'broken', error }),
        )
      })
    },
    stop: (reason) => cancel({ kind: 'stopped' }, reason),
  }
}
