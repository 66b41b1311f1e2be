import { createHash } from 'node:crypto'
import type { CallbackVerdict } from './callback.ts'

export interface CallbackPage {
  readonly status: 200 | 400 | 404
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const STYLE =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}'
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** The page loads nothing, runs nothing, and tells nobody its address, which holds the code. */
const HEADERS = {
  'cache-control': 'no-store',
  connection: 'close',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** What the person sees in the browser. Nothing of the request is ever repeated. */
export function pageOf(verdict: CallbackVerdict): CallbackPage {
  switch (verdict.kind) {
    case 'code':
      return html('You can close this page', 'OpenCode finishes the login and says how it went.')
    case 'denied':
      return html('No access was given', 'Close this page and start the login in OpenCode again.')
    case 'cancelled':
      return html('The login was cancelled', 'You can close this page.')
    case 'refused':
      return plain(verdict.status)
  }
}

function html(title: string, text: string): CallbackPage {
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1><p>${text}</p></body>
</html>
`
  return { status: 200, headers: headersOf('text/html', body), body }
}

function plain(status: 400 | 404): CallbackPage {
  const body = status === 404 ? 'Not found\n' : 'Bad request\n'
  return { status, headers: headersOf('text/plain', body), body }
}

function headersOf(type: string, body: string) {
  return {
    ...HEADERS,
    'content-type': `${type}; charset=utf-8`,
    'content-length': String(Buffer.byteLength(body)),
  }
}
