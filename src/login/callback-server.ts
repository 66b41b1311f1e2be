import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { World } from '../world.ts'
import { type CallbackVerdict, judgeCallback } from './callback.ts'
import { pageOf } from './callback-page.ts'

export interface CallbackOptions {
  /** 0 = a free one. */
  readonly port: number
  readonly path: string
  readonly cancelPath: string | undefined
  readonly state: string
  readonly signal: AbortSignal
  readonly arm: World['arm']
}

export interface CallbackServer {
  /** Where the provider sends the browser. */
  readonly redirectUri: string
  /** The first valid answer, or why there is none. It is kept until somebody asks. Never rejects. */
  readonly answer: Promise<CallbackAnswer>
  /** From now on the process stays alive until there is an answer. */
  hold(): void
  /** Ends the wait. Resolves when nothing listens any more. */
  close(): Promise<void>
}

export type CallbackAnswer =
  | Exclude<CallbackVerdict, { kind: 'refused' }>
  | { readonly kind: 'expired' | 'aborted' | 'closed' }

/** As long as the providers give the person (RFC 9700 asks for short). */
const LONGEST_WAIT_MS = 5 * 60_000
/** A browser sends its request at once. */
const LONGEST_REQUEST_MS = 5_000
/** What a connection still gets to read its answer before all are cut. */
const LINGER_MS = 50
/** Somebody who opens more loses the oldest ones, and cannot keep the browser out. */
const MAX_SOCKETS = 64
const MAX_HEADER_BYTES = 16_384
/** A port that is free on one loopback address may be taken on the other. */
const MAX_TRIES = 5

/**
 * Listens on the loopback addresses until the browser brings the answer of one login (RFC 8252).
 * Undefined when the port cannot be had. It never keeps the process alive by itself.
 */
export async function startCallbackServer(
  options: CallbackOptions,
): Promise<CallbackServer | undefined> {
  const { path, cancelPath, state, signal, arm } = options
  const sockets = new Set<Socket>()
  const answered = new WeakSet<Socket>()
  let settled = false
  let deliver: ((answer: CallbackAnswer) => void) | undefined
  const answer = new Promise<CallbackAnswer>((resolve) => (deliver = resolve))
  const create = () => createListener(sockets, respond, arm)
  const listening = await listenOnLoopback(options.port, create)
  if (listening === undefined) return undefined
  const { servers, port } = listening
  const gone = Promise.all(servers.map((server) => new Promise((done) => server.on('close', done))))
  const stopTimer = arm(() => settle({ kind: 'expired' }), LONGEST_WAIT_MS)
  const onAbort = () => settle({ kind: 'aborted' })
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()

  function respond(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    // One request for each connection: what is sent after it was not sent by a browser.
    if (answered.has(socket)) return
    answered.add(socket)
    const asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      hosts: hostsOf(request),
    }
    const judged = judgeCallback(asked, { port, path, cancelPath, state })
    const verdict = settled && judged.kind !== 'refused' ? USED : judged
    const { status, headers, body } = pageOf(verdict)
    response.once('finish', () => socket.end())
    response.writeHead(status, headers).end(body)
    if (verdict.kind !== 'refused') settle(verdict, response)
  }

  /** The first one counts; from then on nobody can connect. */
  function settle(result: CallbackAnswer, last?: ServerResponse): void {
    if (settled) return
    settled = true
    stopTimer()
    signal.removeEventListener('abort', onAbort)
    deliver?.(result)
    for (const server of servers) server.close()
    if (last === undefined) return cut()
    const stopLinger = arm(cut, LINGER_MS)
    last.once('close', () => {
      stopLinger()
      cut()
    })
  }

  function cut(): void {
    for (const server of servers) server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
  }

  return {
    redirectUri: `http://localhost:${port}${path}`,
    answer,
    hold: () => {
      for (const server of settled ? [] : servers) server.ref()
    },
    close: async () => {
      settle({ kind: 'closed' })
      await gone
    },
  }
}

const USED = { kind: 'refused', status: 400 } as const

function createListener(
  sockets: Set<Socket>,
  respond: (request: IncomingMessage, response: ServerResponse) => void,
  arm: World['arm'],
): Server {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAlive: false }, respond)
  server.on('connection', (socket: Socket) => {
    const [oldest] = sockets
    if (sockets.size >= MAX_SOCKETS) oldest?.destroy()
    sockets.add(socket)
    socket.unref()
    // Not the limits of node:http: Bun has none of them.
    const stopTimer = arm(() => socket.destroy(), LONGEST_REQUEST_MS)
    socket.once('close', () => {
      stopTimer()
      sockets.delete(socket)
    })
    socket.on('error', () => socket.destroy())
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  // Without a listener Bun leaves the connection open.
  server.on('upgrade', (_request, socket) => socket.destroy())
  server.on('connect', (_request, socket) => socket.destroy())
  return server
}

/** The same port on 127.0.0.1 and, where there is one, on ::1: `localhost` may mean either. */
async function listenOnLoopback(wanted: number, create: () => Server) {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const first = create()
    const port = await listen(first, wanted, '127.0.0.1')
    if (port === undefined) return undefined
    if (!hasIPv6Loopback()) return { servers: [first], port }
    const second = create()
    if ((await listen(second, port, '::1')) !== undefined) return { servers: [first, second], port }
    first.close()
    if (wanted !== 0) return undefined
  }
  return undefined
}

/** The port that was taken; undefined when it is not to be had. */
function listen(server: Server, port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, ipv6Only: true }, () => {
      server.unref()
      const address = server.address()
      resolve(address === null || typeof address === 'string' ? undefined : address.port)
    })
  })
}

/** Asked beforehand: a failing `listen` does not say the same in every runtime. */
function hasIPv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  )
}

/** Each one that was sent: of two the runtimes show one. */
function hostsOf({ rawHeaders }: IncomingMessage): readonly string[] {
  return rawHeaders.filter(
    (_value, index) => rawHeaders[index - 1]?.toLowerCase() === 'host' && index % 2 === 1,
  )
}
