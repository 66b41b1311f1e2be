import type { EventMeaning, StreamEvent } from '../provider/provider.ts'
import { createEventReader } from './events.ts'

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

/** How far a stream has come, by its events. */
export interface Progress {
  feed(bytes: Uint8Array): void
  /** The bytes have ended. */
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
  const events = createEventReader(take)

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
    feed: events.feed,
    finish: events.finish,
    isShown: () => shown,
    show() {
      shown = true
    },
    error: () => error,
    isComplete: () => complete,
    owesEnd: () => known && !complete && error === undefined && !events.isLost(),
  }
}
