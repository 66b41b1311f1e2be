import { type Json, isObject, parseObject, textOf } from '../../fake/json.ts'

/** One event of `/global/event`. */
export interface HostEvent {
  readonly type: string
  readonly properties: Json
  readonly directory: string | undefined
}

const PATIENCE_MS = 10_000

/** Opens `/global/event` and keeps what comes. Only here failures to load a plugin show. */
export async function captureEvents(origin: string) {
  const closing = new AbortController()
  const events: HostEvent[] = []
  const watchers = new Set<() => void>()
  const response = await fetch(`${origin}/global/event`, { signal: closing.signal })
  if (response.body === null) throw new Error('The event stream has no body.')
  void readLines(response.body, (line) => {
    const event = line.startsWith('data:') ? eventOf(line.slice('data:'.length)) : undefined
    if (event === undefined) return
    events.push(event)
    for (const look of watchers) look()
  }).catch(() => undefined)

  /** The first event, past or to come, that the predicate picks. */
  function waitFor(
    predicate: (event: HostEvent) => boolean,
    timeoutMs = PATIENCE_MS,
  ): Promise<HostEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(look)
        const seen = new Set(events.map(({ type }) => type))
        reject(new Error(`No such event within ${timeoutMs} ms. Seen: ${[...seen].join(', ')}`))
      }, timeoutMs)
      function look() {
        const found = events.find(predicate)
        if (found === undefined) return
        clearTimeout(timer)
        watchers.delete(look)
        resolve(found)
      }
      watchers.add(look)
      look()
    })
  }

  return { events: events as readonly HostEvent[], waitFor, close: () => closing.abort() }
}

async function readLines(body: ReadableStream<Uint8Array>, onLine: (line: string) => void) {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  }
}

function eventOf(text: string): HostEvent | undefined {
  const event = parseObject(text)
  const payload = event?.['payload']
  if (!isObject(payload)) return undefined
  const properties = payload['properties']
  return {
    type: textOf(payload['type']) ?? '',
    properties: isObject(properties) ? properties : {},
    directory: textOf(event?.['directory']),
  }
}
