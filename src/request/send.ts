import { RotaError } from '../errors.ts'
import type { PreparedRequest } from '../provider/provider.ts'
import type { World } from '../world.ts'

/** What came back from one attempt to send. An abort is not a result: it is thrown. */
export type Sent =
  | {
      readonly ok: true
      readonly response: Response
      /** Ends the connection: cancelling the body is not enough in Bun 1.3, which reads on. */
      readonly hangUp: () => void
    }
  /**
   * `unreachable`: this machine, or its way to the provider, is down. `lost`: the connection broke
   * before an answer came. `late`: a stream did not begin in time.
   */
  | { readonly ok: false; readonly why: 'unreachable' | 'lost' | 'late'; readonly code: string }

/** A stream begins within seconds; the host gives up after 300 s, and another account needs time. */
export const LONGEST_SILENCE_MS = 120_000
/** Codes that say this machine, or its way to the provider, is down. */
const UNREACHABLE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ECONNREFUSED',
  // Bun's names for the same.
  'ConnectionRefused',
  'FailedToOpenSocket',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * Sends one request and returns what came back, unjudged. Rejects only with the signal's own
 * reason. A runtime's fetch error may quote a header, so only its code is kept.
 */
export async function send(
  world: Pick<World, 'fetch' | 'arm'>,
  method: string,
  { url, headers, body }: PreparedRequest,
  signal: AbortSignal | undefined,
): Promise<Sent> {
  signal?.throwIfAborted()
  const own = new AbortController()
  let isLate = false
  const disarm = isStream(body) ? world.arm(giveUp, LONGEST_SILENCE_MS) : () => undefined
  function giveUp(): void {
    isLate = true
    own.abort()
  }
  try {
    const response = await world.fetch(url, {
      method,
      headers,
      // A redirect would carry the token to wherever it points.
      redirect: 'manual',
      // The host's own limits are the signal's; a runtime's default would cut long answers.
      ...NO_RUNTIME_TIMEOUT,
      ...(body === undefined ? {} : { body: asBody(body) }),
      signal: signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]),
    })
    return { ok: true, response, hangUp: () => own.abort() }
  } catch (error) {
    signal?.throwIfAborted()
    if (isLate) return { ok: false, why: 'late', code: 'no answer' }
    const code = codeOf(error)
    return { ok: false, why: UNREACHABLE.has(code) ? 'unreachable' : 'lost', code }
  } finally {
    disarm()
  }
}

/** An answer in one piece may take as long as the caller waits. */
function isStream(body: PreparedRequest['body']): boolean {
  return typeof body === 'string' && /"stream"\s*:\s*true/.test(body)
}

/** Bun knows `timeout: false`; other runtimes ignore it. */
const NO_RUNTIME_TIMEOUT: RequestInit & { timeout?: false } = { timeout: false }

function asBody(body: string | Uint8Array): string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? body : new Uint8Array(body)
}

/** The error's own code, or its cause's: Node wraps the socket error, Bun does not. */
function codeOf(error: unknown): string {
  return codeField(error) ?? codeField(causeOf(error)) ?? 'connection lost'
}

function codeField(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^\w{1,60}$/.test(error.code) ? error.code : undefined
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

/** The error a caller gets. Its words let the host retry with its own patience, as without us. */
export function connectionError({ why, code }: Sent & { ok: false }, url: string): RotaError {
  const { host } = new URL(url)
  const what = why === 'unreachable' ? 'could not be reached' : 'ended the connection'
  return new RotaError(
    'network',
    `fetch failed: ${host} ${what} (${code}). Check the network connection.`,
  )
}
