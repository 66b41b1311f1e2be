import type { EventMeaning, StreamEvent } from '../provider/provider.ts'
import { createEventReader } from './events.ts'
import { createTail } from './tail.ts'

/** What an error event says, as a refusal would have said it. */
export type StreamError = Omit<EventMeaning & { readonly kind: 'error' }, 'kind'>

export interface ProgressParts {
  readonly readEvent: (event: StreamEvent) => EventMeaning
  /** The stream carries usage, as headers. */
  readonly limits: (headers: Headers) => void
  /** The answer is complete. Called once. */
  readonly complete: () => void
  /** An error event, after something was passed on. Called once. */
  readonly failed: (error: StreamError) => void
}

/**
 * How far a stream has come, by its events. Each is read until something is shown; from there on
 * only the last ones matter, and they are read when the bytes have ended.
 */
export interface Progress {
  feed(bytes: Uint8Array): void
  /** The bytes have ended, or nobody wants the rest. */
  finish(): void
  /** Something may be seen from here on; so too when the host gets what was held. */
  isShown(): boolean
  show(): void
  /** The error event, when there was one. */
  error(): StreamError | undefined
  isComplete(): boolean
  /** Whether the stream speaks as we know it, so that it has to say when it is complete. */
  owesEnd(): boolean
}

export function createProgress(parts: ProgressParts): Progress {
  let shown = false
  let known = false
  let complete = false
  let error: StreamError | undefined
  let events = createEventReader(take)
  const tail = createTail()

  function take(event: StreamEvent): void {
    if (complete || error !== undefined) return
    const meaning = parts.readEvent(event)
    known ||= meaning.kind !== 'unknown'
    switch (meaning.kind) {
      case 'silent':
        if (meaning.limits !== undefined) parts.limits(meaning.limits)
        break
      case 'content':
      case 'unknown':
        shown = true
        break
      case 'end':
        shown = true
        complete = true
        parts.complete()
        break
      case 'error':
        error = { status: meaning.status, body: meaning.body }
        if (shown) parts.failed(error)
        break
    }
  }

  return {
    feed(bytes) {
      tail.push(bytes)
      if (!shown) events.feed(bytes)
    },
    finish() {
      // What was read before ends somewhere in the tail: it is read once more, from its beginning.
      events = createEventReader(take)
      for (const bytes of tail.take()) events.feed(bytes)
      events.finish()
    },
    isShown: () => shown,
    show() {
      shown = true
    },
    error: () => error,
    isComplete: () => complete,
    owesEnd: () => known && !complete && error === undefined && !tail.isCut(),
  }
}
