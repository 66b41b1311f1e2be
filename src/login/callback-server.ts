import { type Server, type Socket, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { listen } from '../loopback/listen.ts'
import type { RequestHead } from '../loopback/request-head.ts'
import { createVisits } from '../loopback/visits.ts'
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

type CallbackAnswer =
  | Exclude<CallbackVerdict, { kind: 'refused' }>
  | { readonly kind: 'expired' | 'aborted' | 'closed' }

/** As long as the providers give the person (RFC 9700 asks for short). */
const LONGEST_WAIT_MS = 5 * 60_000
/** What the browser still gets to read the page before all connections are cut. */
const LINGER_MS = 50
/** A port that is free on one loopback address may be taken on the other. */
const MAX_TRIES = 5
const REFUSED = { kind: 'refused', status: 400 } as const

/**
 * Listens on the loopback addresses until the browser brings the answer of one login (RFC 8252).
 * Undefined when the port cannot be had. It never keeps the process alive by itself.
 *
 * Not on `node:http`: in Bun 1.3 it tells nothing of a connection without a whole request and never
 * ends one, and it joins or tidies what has to be judged as it came.
 */
export async function startCallbackServer(
  options: CallbackOptions,
): Promise<CallbackServer | undefined> {
  const { path, cancelPath, state, signal, arm } = options
  const visits = createVisits(arm, hear)
  let isSettled = false
  let deliver: ((answer: CallbackAnswer) => void) | undefined
  const answer = new Promise<CallbackAnswer>((resolve) => (deliver = resolve))
  const listening = await listenOnLoopback(options.port, () => createServer(visits.accept))
  if (listening === undefined) return undefined
  const { servers, port } = listening
  const gone = Promise.all(servers.map((server) => new Promise((done) => server.on('close', done))))
  const stopTimer = arm(() => settle({ kind: 'expired' }), LONGEST_WAIT_MS)
  const onAbort = () => settle({ kind: 'aborted' })
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()

  function hear(socket: Socket, request: RequestHead | undefined): void {
    if (request === undefined) return respond(socket, REFUSED)
    const { headers, ...line } = request
    const asked = { ...line, hosts: headers.get('host') ?? [] }
    const verdict = judgeCallback(asked, { port, path, cancelPath, state })
    respond(socket, isSettled ? REFUSED : verdict)
  }

  function respond(socket: Socket, verdict: CallbackVerdict): void {
    const { status, headers, body } = pageOf(verdict)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join('')}\r\n${body}`)
    if (verdict.kind !== 'refused') settle(verdict, socket)
  }

  /** The first one counts; from then on nobody can connect. */
  function settle(result: CallbackAnswer, last?: Socket): void {
    if (isSettled) return
    isSettled = true
    stopTimer()
    signal.removeEventListener('abort', onAbort)
    deliver?.(result)
    for (const server of servers) server.close()
    if (last === undefined) return visits.cut()
    const stopLinger = arm(visits.cut, LINGER_MS)
    last.once('close', () => {
      stopLinger()
      visits.cut()
    })
  }

  return {
    redirectUri: `http://localhost:${port}${path}`,
    answer,
    hold() {
      for (const server of isSettled ? [] : servers) server.ref()
    },
    async close() {
      settle({ kind: 'closed' })
      await gone
    },
  }
}

const REASONS = { 200: 'OK', 400: 'Bad Request', 404: 'Not Found' } as const

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

/** Asked beforehand: a failing `listen` does not say the same in every runtime. */
function hasIPv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  )
}
