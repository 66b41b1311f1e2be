import { RotaError } from '../errors.ts'
import type { ReplayableRequest } from '../provider/provider.ts'

/** A request as the executor needs it: replayable, with the caller's signal beside it. */
export interface Incoming {
  readonly request: ReplayableRequest
  readonly signal: AbortSignal | undefined
}

/** What `fetch` accepts as its first argument. */
export type FetchInput = string | URL | Request

/**
 * Reads a body once, so that it can be sent to several accounts. Accepts every form that `fetch`
 * does. Throws `RotaError` `body` when it cannot be read, the signal's reason when it aborts.
 */
export async function makeReplayable(input: FetchInput, init?: RequestInit): Promise<Incoming> {
  const given = input instanceof Request ? input : undefined
  const headers = new Headers(init?.headers ?? given?.headers)
  const signal = init?.signal ?? given?.signal ?? undefined
  signal?.throwIfAborted()
  const body = init?.body ?? undefined
  const request = (bytes: string | Uint8Array | undefined): ReplayableRequest => ({
    url: input instanceof Request ? input.url : input.toString(),
    method: (init?.method ?? given?.method ?? 'GET').toUpperCase(),
    headers,
    body: bytes,
  })
  if (body === undefined && !given?.body) return { request: request(undefined), signal }
  if (typeof body === 'string') return { request: request(body), signal }
  const bytes = await readBody(body === undefined ? given : wrap(body), headers, signal)
  return { request: request(bytes), signal }
}

/** Lets the runtime serialise a form, a blob, a stream … and name its content type. */
function wrap(body: NonNullable<RequestInit['body']>): Response {
  return new Response(body)
}

async function readBody(
  source: Request | Response | undefined,
  headers: Headers,
  signal: AbortSignal | undefined,
): Promise<string | Uint8Array | undefined> {
  if (source === undefined || source.body === null) return undefined
  const type = source.headers.get('content-type')
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type)
  try {
    const bytes = await readAll(source.body, signal)
    // JSON is handed on as text, so that the request transforms see it.
    const isJson = headers.get('content-type')?.includes('json') ?? false
    return isJson ? new TextDecoder().decode(bytes) : bytes
  } catch {
    signal?.throwIfAborted()
    throw new RotaError('body', 'The request body could not be read, so it was not sent.')
  }
}

/** Until the signal aborts: a caller's stream may not end. */
async function readAll(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const reader = body.getReader()
  const stop = () => void reader.cancel(signal?.reason).catch(() => {})
  signal?.addEventListener('abort', stop, { once: true })
  const chunks: Uint8Array[] = []
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      chunks.push(read.value)
    }
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  signal?.throwIfAborted()
  return Buffer.concat(chunks)
}
