import { createParser } from 'eventsource-parser'
import type { StreamEvent } from '../provider/provider.ts'

/** Reads the events of a stream out of its bytes, however they are split. */
export interface EventReader {
  feed(bytes: Uint8Array): void
  /** The bytes have ended: a last line without its end counts. */
  finish(): void
}

export function createEventReader(onEvent: (event: StreamEvent) => void): EventReader {
  const decoder = new TextDecoder()
  const parser = createParser({ onEvent: ({ event, data }) => onEvent({ name: event, data }) })
  return {
    feed: (bytes) => parser.feed(decoder.decode(bytes, { stream: true })),
    finish: () => parser.feed('\n'),
  }
}
