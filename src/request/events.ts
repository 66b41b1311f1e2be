import { createParser } from 'eventsource-parser'
import type { StreamEvent } from '../provider/provider.ts'

/** Reads the events of a stream out of its bytes, however they are split. */
export interface EventReader {
  feed(bytes: Uint8Array): void
  /** The bytes have ended: a last line without its end counts. */
  finish(): void
  /** An event grew too large to be kept; the rest of the stream cannot be read. */
  isLost(): boolean
}

/** The last event repeats the whole answer; an image in it has several million characters. */
const LONGEST_EVENT_CHARS = 32 * 1_024 * 1_024

export function createEventReader(onEvent: (event: StreamEvent) => void): EventReader {
  const decoder = new TextDecoder()
  let lost = false
  const parser = createParser({
    maxBufferSize: LONGEST_EVENT_CHARS,
    onEvent: ({ event, data }) => onEvent({ name: event, data }),
    onError: ({ type }) => {
      lost ||= type === 'max-buffer-size-exceeded'
    },
  })
  return {
    feed(bytes) {
      if (!lost) parser.feed(decoder.decode(bytes, { stream: true }))
    },
    finish() {
      if (!lost) parser.feed('\n')
    },
    isLost: () => lost,
  }
}
