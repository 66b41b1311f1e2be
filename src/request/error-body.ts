import type { World } from '../world.ts'

/** A refusal explains itself in a few hundred bytes; a proxy's page may not end. */
const MOST_BYTES = 64 * 1_024
const LONGEST_READ_MS = 5_000

/** An answer whose body was read, so that it can be judged and still be handed on. */
export interface ReadAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** The same answer again, for the host. */
  toResponse(): Response
}

/**
 * Reads an error's body, at most 64 KiB and 5 s of it, and hangs up on the rest. Never throws: what
 * came is what counts.
 */
export async function readErrorBody(
  world: Pick<World, 'arm'>,
  response: Response,
  hangUp: () => void,
): Promise<ReadAnswer> {
  const { status, statusText, headers } = response
  const body = await readBounded(world, response, hangUp)
  return readAnswer({ status, statusText, headers, body })
}

/** A refusal that came as an event of a 2xx stream: the same answer as if it had come before it. */
export function refusalInStream(
  stream: Response,
  error: { readonly status: number; readonly body: string },
): ReadAnswer {
  const headers = new Headers(stream.headers)
  headers.set('content-type', 'application/json')
  return readAnswer({ ...error, statusText: '', headers })
}

function readAnswer(answer: Omit<ReadAnswer, 'toResponse'> & { statusText: string }): ReadAnswer {
  const { status, statusText, headers, body } = answer
  return {
    status,
    headers,
    body,
    toResponse() {
      const copy = new Headers(headers)
      // The runtime has already decoded the body, and it may have been cut.
      copy.delete('content-encoding')
      copy.delete('content-length')
      return new Response(NO_BODY.has(status) ? null : body, { status, statusText, headers: copy })
    },
  }
}

const NO_BODY = new Set([204, 205, 304])

async function readBounded(
  world: Pick<World, 'arm'>,
  { body }: Response,
  hangUp: () => void,
): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const giveUp = () => {
    void reader.cancel().catch(() => {})
    hangUp()
  }
  const disarm = world.arm(giveUp, LONGEST_READ_MS)
  let text = ''
  let bytes = 0
  try {
    while (bytes < MOST_BYTES) {
      const { done, value } = await reader.read()
      if (done) return text
      bytes += value.byteLength
      text += decoder.decode(value, { stream: true })
    }
    giveUp()
  } catch {
    // Cut off in the middle: judge what came.
  } finally {
    disarm()
  }
  return text.slice(0, MOST_BYTES)
}
