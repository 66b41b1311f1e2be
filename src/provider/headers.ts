import type { Secret } from '../secret.ts'

/**
 * Headers that belong to one connection or one body (RFC 9110 §7.6.1), and the host's own key:
 * none of them may travel with a request that we address and sign anew.
 */
const NOT_FORWARDED = [
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
]

/** A copy of the host's headers, signed with the account's token. */
export function signedHeaders(headers: Headers, accessToken: Secret): Headers {
  const signed = unsigned(headers)
  signed.set('authorization', `Bearer ${headerSafe(accessToken.reveal())}`)
  return signed
}

/** The same, signed with a key in Anthropic's way. */
export function keyedHeaders(headers: Headers, apiKey: Secret): Headers {
  const signed = unsigned(headers)
  signed.set('x-api-key', headerSafe(apiKey.reveal()))
  return signed
}

function unsigned(headers: Headers): Headers {
  const copy = new Headers(headers)
  for (const name of [...NOT_FORWARDED, 'authorization']) copy.delete(name)
  return copy
}

/**
 * Only visible ASCII. A header with any other character is refused by an exception whose message
 * holds the value, and so the token.
 */
export function headerSafe(value: string): string {
  return value.replace(/[^\x21-\x7e]/g, '')
}
