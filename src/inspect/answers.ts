import { createHash } from 'node:crypto'

/** A whole answer, or the head of one that goes on. */
export interface Answer {
  readonly status: keyof typeof REASONS
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const REASONS = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  503: 'Service Unavailable',
} as const

/** No other site may read, frame or keep what is served here, or learn its address. */
const HEADERS = {
  'cache-control': 'no-store',
  connection: 'close',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
const CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The answer as it goes over the wire (RFC 9112). */
export function bytesOf({ status, headers, body }: Answer): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join('')}\r\n${body}`
}

/** Tells nothing but that there is nothing. */
export function nothing(status: Answer['status']): Answer {
  return {
    status,
    headers: { ...HEADERS, 'content-security-policy': CLOSED, 'content-length': '0' },
    body: '',
  }
}

/** The head of a stream of events; its end is the end of the connection. */
export function eventStream(): Answer {
  return {
    status: 200,
    headers: {
      ...HEADERS,
      'content-security-policy': CLOSED,
      'content-type': 'text/event-stream; charset=utf-8',
    },
    // How long the browser waits before it comes back, ms.
    body: 'retry: 1000\n\n',
  }
}

/** A page that runs nothing but the scripts that stand in it; `more` is added to its policy. */
export function html(body: string, more: readonly string[]): Answer {
  const policy = [
    CLOSED,
    sources('script-src', body.matchAll(SCRIPTS)),
    sources('style-src', body.matchAll(STYLES)),
    "connect-src 'self'",
    'img-src data:',
    ...more,
  ]
  return {
    status: 200,
    headers: {
      ...HEADERS,
      'content-security-policy': policy.join('; '),
      'content-type': 'text/html; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
    },
    body,
  }
}

const SCRIPTS = /<script\b[^>]*>([\s\S]*?)<\/script\s*>/gi
const STYLES = /<style\b[^>]*>([\s\S]*?)<\/style\s*>/gi

function sources(directive: string, elements: Iterable<RegExpExecArray>): string {
  const hashes = [...elements].map(([, text = '']) => `'sha256-${hashOf(text)}'`)
  return `${directive} ${hashes.length === 0 ? "'none'" : hashes.join(' ')}`
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
