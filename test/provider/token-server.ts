import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { Provider, RefreshAnswer, RefreshRequest } from '../../src/provider/provider.ts'
import { type Secret, secret } from '../../src/secret.ts'
import { NOW } from './answer.ts'

/** What the fake token endpoint answers; text is sent as it is, anything else as JSON. */
export interface Told {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

interface Asked {
  readonly method: string | undefined
  readonly contentType: string | undefined
  readonly body: string
}

type Renewal = Extract<RefreshAnswer, { kind: 'renewed' }>

/** Refreshes the token "refresh-1" at an endpoint on 127.0.0.1 that answers so. */
export async function refreshed(provider: Pick<Provider, 'refresh'>, told: Told) {
  const server = await startTokenServer(told)
  try {
    return { answer: await provider.refresh(refreshAt(server.url)), asked: server.asked }
  } finally {
    await server.close()
  }
}

/** The answer as a renewal; anything else fails the test. */
export function renewal(answer: RefreshAnswer): Renewal {
  if (answer.kind !== 'renewed') throw new Error(`not renewed: ${JSON.stringify(answer)}`)
  return answer
}

/** A token endpoint on 127.0.0.1 that gives every request the same answer. */
export async function startTokenServer(told: Told) {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void answerTo(request, response, told, asked)
  })
  return { url: await listen(server), asked, close: () => close(server) }
}

/** A port on 127.0.0.1 at which nobody listens. */
export async function unusedUrl(): Promise<string> {
  const server = createServer()
  const url = await listen(server)
  await close(server)
  return url
}

/** A refresh of the token "refresh-1" at this endpoint. */
export function refreshAt(
  token: string,
  known: { readonly signal?: AbortSignal; readonly fetch?: RefreshRequest['fetch'] } = {},
): RefreshRequest & { readonly refreshToken: Secret } {
  return {
    refreshToken: secret('refresh-1'),
    endpoints: { authorize: '', token, usage: '', profile: '', api: undefined },
    fetch: known.fetch ?? fetch,
    now: () => NOW,
    signal: known.signal ?? new AbortController().signal,
  }
}

async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  told: Told,
  asked: Asked[],
): Promise<void> {
  const body = await readBody(request)
  asked.push({ method: request.method, contentType: request.headers['content-type'], body })
  response.writeHead(told.status, told.headers)
  response.end(typeof told.body === 'string' ? told.body : JSON.stringify(told.body))
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
  return body
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}/oauth/token`
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}
