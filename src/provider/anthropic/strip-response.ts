import { stripEventData, stripMessage } from './strip-prefix.ts'

type Bytes = Uint8Array

const LF = 10
const CR = 13
/** Only an event that starts a block can name a tool. */
const MARK = 'content_block_start'
/** Looked for in the bytes of every chunk; the whole word takes five times as long. */
const MARK_BYTES = Buffer.from('k_start')
/** Only ever used for whole lines, so it keeps no state; a byte order mark is kept as well. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Takes the prefix off the tool names of an answer, in SSE and in plain JSON. Everything else
 * passes byte for byte.
 */
export function stripResponse(response: Response, sent: ReadonlySet<string>): Response {
  const type = response.headers.get('content-type')?.toLowerCase() ?? ''
  if (response.body === null) return response
  const transform = type.includes('text/event-stream')
    ? stripEvents(sent)
    : type.startsWith('application/json')
      ? stripJson(sent)
      : undefined
  if (transform === undefined) return response
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  const { status, statusText } = response
  return new Response(response.body.pipeThrough(transform), { status, statusText, headers })
}

/** Passes lines on as soon as they are complete; holds back nothing but an incomplete line. */
export function stripEvents(sent: ReadonlySet<string>): TransformStream<Bytes, Bytes> {
  let held: Bytes[] = []
  return new TransformStream<Bytes, Bytes>({
    transform(chunk, controller) {
      const end = endOfLines(chunk)
      if (end === 0) {
        held.push(chunk)
        return
      }
      const lines = concat([...held, chunk.subarray(0, end)])
      held = end < chunk.byteLength ? [chunk.subarray(end)] : []
      controller.enqueue(stripLines(lines, sent))
    },
    flush(controller) {
      if (held.length > 0) controller.enqueue(stripLines(concat(held), sent))
    },
  })
}

/** Plain JSON says which of its strings is a tool's name only at its end. */
function stripJson(sent: ReadonlySet<string>): TransformStream<Bytes, Bytes> {
  const chunks: Bytes[] = []
  return new TransformStream<Bytes, Bytes>({
    transform(chunk) {
      chunks.push(chunk)
    },
    flush(controller) {
      const bytes = concat(chunks)
      const json = decoder.decode(bytes)
      const stripped = stripMessage(json, sent)
      controller.enqueue(stripped === json ? bytes : new TextEncoder().encode(stripped))
    },
  })
}

function stripLines(bytes: Bytes, sent: ReadonlySet<string>): Bytes {
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(MARK_BYTES)) {
    return bytes
  }
  const text = decoder.decode(bytes)
  const stripped = text
    .split(/(?<=[\r\n])/)
    .map((line) => stripLine(line, sent))
    .join('')
  return stripped === text ? bytes : new TextEncoder().encode(stripped)
}

function stripLine(line: string, sent: ReadonlySet<string>): string {
  if (!line.includes(MARK)) return line
  const [, field = '', json = '', end = ''] = /^(data:[ \t]*)(\{.*\})(\s*)$/s.exec(line) ?? []
  return json === '' ? line : field + stripEventData(json, sent) + end
}

/** Where the last complete line ends. Neither byte occurs inside a longer UTF-8 sequence. */
function endOfLines(chunk: Bytes): number {
  const afterLast = chunk.lastIndexOf(LF) + 1
  // Looking for what is nowhere in a large chunk takes longer than all the rest.
  return afterLast + chunk.subarray(afterLast).lastIndexOf(CR) + 1
}

function concat(parts: readonly Bytes[]): Bytes {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0))
  parts.reduce((offset, part) => {
    whole.set(part, offset)
    return offset + part.byteLength
  }, 0)
  return whole
}
