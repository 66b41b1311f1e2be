import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface HttpRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly bodyText: string
  /** Aborts when the client goes away or the server closes. */
  readonly signal: AbortSignal
}

/** What goes over the wire. */
export type HttpAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly chunks: readonly string[]
      readonly betweenChunksMs?: number
      /** Cut the connection instead of ending the body, or let it stand. */
      readonly ends?: 'cut' | 'never'
    }
  | { readonly kind: 'cut' }
  | { readonly kind: 'silence' }

/** So long a chunk takes to be read; a connection that is cut takes back what was not. */
const SEEN_MS = 60

export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>

/** A server on 127.0.0.1 and a free port. */
export async function listen(handle: HttpHandler, port = 0) {
  const closing = new AbortController()
  let open = 0
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing))

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController()
    open++
    outgoing.on('close', () => {
      open--
      gone.abort()
    })
    const signal = AbortSignal.any([closing.signal, gone.signal])
    try {
      await send(outgoing, await handle(await read(incoming, signal)), signal)
    } catch (error) {
      if (signal.aborted) return
      outgoing
        .writeHead(500, { 'content-type': 'text/plain' })
        .end(`The fake failed: ${String(error)}`)
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The fake has no port.')

  return {
    origin: `http://127.0.0.1:${address.port}`,
    /** Answers that are neither complete nor given up by the client. */
    openAnswers: () => open,
    /** Ends at once: open answers are cut. */
    close: () =>
      new Promise<void>((resolve) => {
        closing.abort()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

async function read(incoming: IncomingMessage, signal: AbortSignal): Promise<HttpRequest> {
  incoming.setEncoding('utf8')
  let bodyText = ''
  for await (const part of incoming) bodyText += String(part)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value)
  const url = new URL(incoming.url ?? '/', 'http://127.0.0.1')
  return { method: incoming.method ?? 'GET', url, headers, bodyText, signal }
}

async function send(outgoing: ServerResponse, answer: HttpAnswer, signal: AbortSignal) {
  if (answer.kind === 'silence') return
  if (answer.kind === 'cut') return void outgoing.socket?.resetAndDestroy()
  outgoing.writeHead(answer.status, answer.headers)
  outgoing.flushHeaders()
  for (const [index, chunk] of answer.chunks.entries()) {
    if (index > 0 && answer.betweenChunksMs) await pause(answer.betweenChunksMs, signal)
    if (signal.aborted) return
    await new Promise<void>((resolve) => outgoing.write(chunk, () => resolve()))
  }
  if (answer.ends === 'never') return
  if (answer.ends === undefined) return void outgoing.end()
  await pause(SEEN_MS, signal)
  outgoing.destroy()
}
