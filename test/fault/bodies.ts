import type { OpenPool } from '../request/open-pool.ts'

type Call = Parameters<OpenPool['fetch']>

/** The same request in every form that `fetch` takes, by name. */
export const BODIES: Readonly<
  Record<string, (url: string, init: RequestInit, text: string) => Call>
> = {
  string: (url, init, text) => [url, { ...init, body: text }],
  bytes: (url, init, text) => [new URL(url), { ...init, body: new TextEncoder().encode(text) }],
  stream: (url, init, text) => [url, { ...init, body: new Blob([text]).stream(), ...HALF_DUPLEX }],
  Request: (url, init, text) => [new Request(url, { ...init, body: text })],
}

/** Node asks for it where the body is a stream. */
const HALF_DUPLEX = { duplex: 'half' } as const
