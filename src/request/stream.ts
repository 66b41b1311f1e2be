import { RotaError } from '../errors.ts'
import type { World } from '../world.ts'
import { type BodyReader, type Read, createBodyReader } from './body-reader.ts'
import { type Progress, type ProgressParts, type StreamError, createProgress } from './progress.ts'

/** A 2xx answer, looked at before the host gets it. */
export type Opened =
  /** For the host; what becomes of it is told to the parts. */
  | { readonly kind: 'open'; readonly response: Response }
  /** It failed before it showed anything, and is cancelled. */
  | { readonly kind: 'failed'; readonly error: StreamError }
  /** It broke off before it showed anything. */
  | { readonly kind: 'lost'; readonly error: RotaError }

export interface StreamParts extends ProgressParts {
  readonly world: Pick<World, 'arm' | 'monotonic'>
  readonly signal: AbortSignal | undefined
  /** Ends the connection; called when the rest of the body is not wanted. */
  readonly hangUp: () => void
  /** For people: whose answer it is. */
  readonly from: string
  /** Nothing of an open answer is left to read, for whatever reason. Called once. */
  readonly released: () => void
}

/** OpenAI's first two events repeat the request's instructions and tools. */
const MOST_HELD_BYTES = 256 * 1_024
/** A model that thinks for long says nothing meanwhile. */
const LONGEST_HOLD_MS = 20_000
/** Without a byte for so long an answer is given up: the host does so after 300 s. */
const IDLE_MINUTES = 4

/**
 * Watches a 2xx answer. A stream is held until it shows something, so that one which fails before
 * that can be had from another account. Then every chunk is handed on as it came; what ends
 * without the provider's own end is an error of the body. Rejects with the signal's reason.
 */
export async function openAnswer(parts: StreamParts, response: Response): Promise<Opened> {
  const { body } = response
  if (body === null) {
    parts.complete()
    parts.released()
    return { kind: 'open', response }
  }
  const isStream = response.headers.get('content-type')?.toLowerCase().startsWith(EVENT_STREAM)
  const reader = createBodyReader(parts, body, isStream ? IDLE_MINUTES * 60_000 : undefined)
  const progress = isStream ? createProgress(parts) : undefined
  const held: Held = { chunks: [], pending: undefined }
  if (progress !== undefined) {
    const failure = await hold(parts, reader, progress, held)
    if (failure !== undefined) return failure
    progress.show()
  }
  const passed = passOn(parts, reader, progress, held)
  const { status, statusText, headers } = response
  return { kind: 'open', response: new Response(passed, { status, statusText, headers }) }
}

const EVENT_STREAM = 'text/event-stream'

interface Held {
  readonly chunks: Uint8Array[]
  /** A look at the body that has not brought anything yet. */
  pending: Promise<Read> | undefined
}

/** Reads until something is shown, or for as long and as much as may be held. */
async function hold(
  { world, signal, from }: StreamParts,
  reader: BodyReader,
  progress: Progress,
  held: Held,
): Promise<Opened | undefined> {
  const stopListening = onAbort(signal, (reason) => reader.stop(reason))
  let bytes = 0
  let disarm: (() => void) | undefined
  const timeUp = new Promise<undefined>((resolve) => {
    disarm = world.arm(() => resolve(undefined), LONGEST_HOLD_MS)
  })
  try {
    while (!progress.isShown() && bytes < MOST_HELD_BYTES) {
      held.pending ??= reader.next()
      const read = await Promise.race([held.pending, timeUp])
      signal?.throwIfAborted()
      if (read === undefined) return undefined
      held.pending = undefined
      if (read.kind === 'bytes') {
        bytes += read.bytes.byteLength
        held.chunks.push(read.bytes)
        progress.feed(read.bytes)
      } else {
        progress.finish()
      }
      const error = progress.error()
      if (error !== undefined && !progress.isShown()) {
        reader.stop(undefined)
        return { kind: 'failed', error }
      }
      if (read.kind === 'bytes') continue
      held.pending = Promise.resolve(read)
      return progress.isShown() ? undefined : { kind: 'lost', error: endError(read, from) }
    }
    return undefined
  } finally {
    disarm?.()
    stopListening()
  }
}

/** The rest of the body, and what its end means. */
function passOn(
  parts: StreamParts,
  reader: BodyReader,
  progress: Progress | undefined,
  held: Held,
): ReadableStream<Uint8Array> {
  let stopListening = nothing
  let released = false

  function release(): void {
    if (released) return
    released = true
    progress?.finish()
    stopListening()
    parts.released()
  }

  /** The error that the body ends with; undefined when it just ends. */
  function endOf(read: Read): { readonly error: unknown } | undefined {
    if (progress === undefined) {
      if (read.kind === 'end') parts.complete()
      return read.kind === 'broken' ? read : undefined
    }
    progress.finish()
    if (progress.isComplete() || progress.error() !== undefined) return undefined
    if (read.kind !== 'end' || progress.owesEnd()) return { error: endError(read, parts.from) }
    parts.complete()
    return undefined
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stopListening = onAbort(parts.signal, (reason) => {
          release()
          reader.stop(reason)
          controller.error(reason)
        })
      },
      async pull(controller) {
        const chunk = held.chunks.shift()
        if (chunk !== undefined) return controller.enqueue(chunk)
        const read = await (held.pending ?? reader.next())
        held.pending = undefined
        if (read.kind === 'stopped') return
        if (read.kind === 'bytes') {
          progress?.feed(read.bytes)
          return controller.enqueue(read.bytes)
        }
        const end = endOf(read)
        release()
        if (end === undefined) controller.close()
        else controller.error(end.error)
      },
      cancel(reason) {
        release()
        reader.stop(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

/** The first words let the host ask again, as it does when it meets the same by itself. */
function endError(read: Read, from: string): RotaError {
  return read.kind === 'stalled'
    ? new RotaError('stream', `stream timed out: ${from} sent nothing for ${IDLE_MINUTES} minutes.`)
    : new RotaError('stream', `connection lost: the answer of ${from} broke off before its end.`)
}

/** Calls back once when the signal aborts, at once when it has. Returns the way to stop. */
function onAbort(signal: AbortSignal | undefined, abort: (reason: unknown) => void): () => void {
  if (signal === undefined) return nothing
  if (signal.aborted) {
    abort(signal.reason)
    return nothing
  }
  const listener = () => abort(signal.reason)
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}

function nothing(): void {}
