import { isRecord, parseJson } from './json.ts'
import { type TokenAnswer, readTokenAnswer, wordOf } from './token-answer.ts'

export interface TokenRequest {
  readonly url: string
  readonly contentType: 'application/json' | 'application/x-www-form-urlencoded'
  readonly body: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly signal: AbortSignal
}

/** An answer with its body as parsed JSON; the body is undefined when it is none. */
export type Posted =
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  /** `inDoubt`: it may have been received all the same. */
  | { readonly kind: 'unavailable'; readonly detail: string; readonly inDoubt: boolean }

/** One exchange takes at most this long, body included. */
export const TOKEN_LIMIT_MS = 20_000
/** Token answers are a few KiB. */
const MAX_BODY_BYTES = 64 * 1024
/** No connection came about, so that nothing was sent: the codes of Node, then those of Bun. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ConnectionRefused',
  'FailedToOpenSocket',
])

/** Sends one request to a token endpoint. Never rejects, and never sends after an abort. */
export async function askTokenEndpoint(request: TokenRequest): Promise<TokenAnswer> {
  const posted = await post(request)
  if (posted.kind === 'unavailable') return posted
  return readTokenAnswer(posted.status, posted.body, request.body)
}

/** The same for any endpoint of an authorization server; the caller reads the answer. */
export function post(request: TokenRequest): Promise<Posted> {
  return ask(request.signal, (signal) =>
    request.fetch(request.url, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': request.contentType },
      body: request.body,
      redirect: 'manual',
      signal,
    }),
  )
}

/** Any one exchange with such an endpoint, its body included, within the limit. Never rejects. */
export async function ask(
  caller: AbortSignal,
  send: (signal: AbortSignal) => Promise<Response>,
  limitMs = TOKEN_LIMIT_MS,
): Promise<Posted> {
  if (caller.aborted) return { kind: 'unavailable', detail: 'AbortError', inDoubt: false }
  const limit = startLimit(caller, limitMs)
  try {
    return await Promise.race([send(limit.signal).then(readAnswer), limit.passed])
  } catch (error) {
    const detail = failureName(error)
    return { kind: 'unavailable', detail, inDoubt: !NOT_SENT.has(detail) }
  } finally {
    limit.stop()
  }
}

async function readAnswer(response: Response): Promise<Posted> {
  return { kind: 'answer', status: response.status, body: parseJson(await readText(response)) }
}

/** A runtime's own error may quote the request, and so the token: only its code is kept. */
export function failureName(error: unknown): string {
  if (!isRecord(error)) return 'unknown'
  const cause = isRecord(error['cause']) ? error['cause'] : {}
  const name = [cause['code'], error['code'], error['name']].find(
    (word) => typeof word === 'string',
  )
  return (typeof name === 'string' ? wordOf(name) : undefined) ?? 'unknown'
}

/** A body as text; empty when it is longer than any answer that we ask for. */
export async function readText(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let size = 0
  let read = ''
  for await (const chunk of response.body) {
    size += chunk.byteLength
    if (size > MAX_BODY_BYTES) return ''
    read += decoder.decode(chunk, { stream: true })
  }
  return read + decoder.decode()
}

/** A limit that holds even for a `fetch` that does not listen to its signal. */
function startLimit(caller: AbortSignal, limitMs: number) {
  const controller = new AbortController()
  const end = (name: string) => controller.abort(Object.assign(new Error(name), { name }))
  const onAbort = () => end('AbortError')
  const timer = setTimeout(() => end('TimeoutError'), limitMs)
  caller.addEventListener('abort', onAbort, { once: true })
  const passed = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), {
      once: true,
    })
  })
  const stop = () => {
    clearTimeout(timer)
    caller.removeEventListener('abort', onAbort)
  }
  return { signal: controller.signal, passed, stop }
}
