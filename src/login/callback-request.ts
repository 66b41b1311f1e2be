import type { CallbackRequest } from './callback.ts'

/** What has arrived of a request; a body is never read. */
export type ReadRequest =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'request'; readonly request: CallbackRequest }
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
  const hosts: string[] = []
  for (const line of lines) {
    const [, name, value = ''] = HEADER.exec(line) ?? []
    if (name === undefined || UNEXPECTED.has(name.toLowerCase())) return MALFORMED
    if (name.toLowerCase() === 'host') hosts.push(value.trimEnd())
  }
  return { kind: 'request', request: { method, target, hosts } }
}
