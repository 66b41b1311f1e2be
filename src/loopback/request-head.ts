/** The head of a request to a listener on this machine, as it came: nothing decoded. */
export interface RequestHead {
  readonly method: string
  /** What stood between the method and the version. */
  readonly target: string
  /** Every value of a header, by its name in small letters. */
  readonly headers: ReadonlyMap<string, readonly string[]>
}

/** What has arrived of a request; a body is never read. */
export type ReadRequest =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'request'; readonly request: RequestHead }
  | { readonly kind: 'malformed' }

/** Browsers send a tenth of it. */
const MAX_HEAD_BYTES = 16_384
const INCOMPLETE = { kind: 'incomplete' } as const
const MALFORMED = { kind: 'malformed' } as const
/** Somebody who goes to a page sends none of these: what follows would not be read as he meant it. */
const UNEXPECTED = new Set(['content-length', 'expect', 'transfer-encoding', 'upgrade'])
const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*)$/

/** Reads the head of an HTTP/1 request (RFC 9112 §2–5), each byte as one character. */
export function readRequest(received: string): ReadRequest {
  const end = received.indexOf('\r\n\r\n')
  if (end > MAX_HEAD_BYTES || received.length > MAX_HEAD_BYTES) return MALFORMED
  if (end < 0) return INCOMPLETE
  const [first = '', ...lines] = received.slice(0, end).split('\r\n')
  const [, method, target] = REQUEST_LINE.exec(first) ?? []
  if (method === undefined || target === undefined) return MALFORMED
  const headers = new Map<string, readonly string[]>()
  for (const line of lines) {
    const [, name, value = ''] = HEADER.exec(line) ?? []
    if (name === undefined || UNEXPECTED.has(name.toLowerCase())) return MALFORMED
    const key = name.toLowerCase()
    headers.set(key, [...(headers.get(key) ?? []), value.trimEnd()])
  }
  return { kind: 'request', request: { method, target, headers } }
}
