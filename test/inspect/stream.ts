import { createParser } from 'eventsource-parser'
import { onTestFinished, vi } from 'vitest'
import type { Picture } from '../../src/inspect/picture.ts'

export interface WatchedStream {
  /** All that came, as it came. */
  text(): string
  /** The data of all events so far. */
  events(): readonly string[]
  /** The connection has ended. */
  hasEnded(): boolean
  close(): void
}

/** Reads a stream of events, as the page does. */
export async function watchStream(url: string): Promise<WatchedStream> {
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  const response = await fetch(url, { signal: ending.signal })
  if (response.body === null || !response.ok) throw new Error(`${url} → ${response.status}`)
  const events: string[] = []
  let text = ''
  let hasEnded = false
  const parser = createParser({ onEvent: ({ data }) => events.push(data) })
  const decoder = new TextDecoder()
  const { body } = response
  void (async () => {
    for await (const piece of body) {
      const part = decoder.decode(piece, { stream: true })
      text += part
      parser.feed(part)
    }
  })()
    .catch(() => undefined)
    .finally(() => (hasEnded = true))
  return {
    text: () => text,
    events: () => events,
    hasEnded: () => hasEnded,
    close: () => ending.abort(),
  }
}

/** The newest picture of the page's stream, once it is as expected. */
export function pictureOf(stream: WatchedStream): Picture {
  return JSON.parse(stream.events().at(-1) ?? '{"pools":[]}')
}

/** Waits for something that shows by itself; how fast it does is measured by `npm run bench`. */
export function soon<Result>(look: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(look, { timeout: 10_000, interval: 10 })
}
