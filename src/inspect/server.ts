import { randomBytes } from 'node:crypto'
import { type Server, type Socket, createServer } from 'node:net'
import { readRequest } from '../request-head.ts'
import type { World } from '../world.ts'
import { type Answer, bytesOf, eventStream, nothing } from './answers.ts'
import { type Client, createClient } from './client.ts'
import { livePage, statelyPage } from './pages.ts'
import { type Wanted, judgeVisit } from './visit.ts'

export interface ServerOptions {
  readonly arm: World['arm']
  /** Somebody reads such a stream from now on. Returns what is to be done when he stops. */
  readonly enter: (stream: Stream, client: Client) => () => void
}

export type Stream = Extract<Wanted, 'events' | 'inspect'>

export interface InspectServer {
  /** With the token: whoever knows it may look. */
  readonly url: string
  /** Resolves when nothing listens any more and nobody is connected. */
  close(): Promise<void>
}

/** A browser sends its request at once, and reads a page at once. */
const LONGEST_VISIT_MS = 5_000
/** Somebody who opens more loses the oldest ones, and drives nobody out who has shown the token. */
const MOST_VISITS = 64
/** Tabs, with reserve. */
const MOST_CLIENTS = 16
/** So that a connection that is gone is noticed. */
const HEARTBEAT_MS = 15_000
/** An event, because an `EventSource` does not show comments. */
const BEAT = 'event: beat\ndata:\n\n'

/**
 * Serves the page on 127.0.0.1 to whoever knows the token. It never keeps the process alive, and
 * neither do those who look. Undefined when no port is to be had.
 *
 * Not on `node:http`: in Bun 1.3 a response that is not ended keeps the process alive.
 */
export async function startServer({
  arm,
  enter,
}: ServerOptions): Promise<InspectServer | undefined> {
  const token = randomBytes(32).toString('hex')
  const visits = new Set<Socket>()
  const clients = new Map<Socket, Client>()
  const server = createServer(accept)
  const port = await listen(server)
  if (port === undefined) return undefined
  // It listens already: only what fails later, such as accepting when no file is left, comes here.
  server.on('error', () => {})
  let stopBeating = arm(beat, HEARTBEAT_MS)

  function accept(socket: Socket): void {
    socket.unref()
    const [oldest] = visits
    if (visits.size >= MOST_VISITS) oldest?.destroy()
    visits.add(socket)
    const stopLimit = arm(() => visits.has(socket) && socket.destroy(), LONGEST_VISIT_MS)
    socket.once('close', () => {
      stopLimit()
      visits.delete(socket)
    })
    socket.on('error', () => socket.destroy())
    let received: string | undefined = ''
    socket.setEncoding('latin1').on('data', (piece: string) => {
      if (received === undefined) return
      received += piece
      const read = readRequest(received)
      if (read.kind === 'incomplete') return
      received = undefined
      if (read.kind === 'malformed') return respond(socket, nothing(400))
      const visit = judgeVisit(read.request, { port: port ?? 0, token })
      if (visit.kind === 'refused') respond(socket, nothing(visit.status))
      else admit(socket, visit.wanted)
    })
  }

  function admit(socket: Socket, wanted: Wanted): void {
    switch (wanted) {
      case 'page':
        return void livePage().then((page) => respond(socket, page))
      case 'stately':
        return respond(socket, statelyPage())
      case 'events':
      case 'inspect':
        return stream(socket, wanted)
    }
  }

  function stream(socket: Socket, wanted: Stream): void {
    if (clients.size >= MOST_CLIENTS) return respond(socket, nothing(503))
    visits.delete(socket)
    const client = createClient(socket, arm)
    clients.set(socket, client)
    socket.write(bytesOf(eventStream()))
    const leave = entered(wanted, client)
    socket.once('close', () => {
      clients.delete(socket)
      leave()
    })
  }

  /** A fault in what is shown is not one of the host. */
  function entered(wanted: Stream, client: Client): () => void {
    try {
      return enter(wanted, client)
    } catch {
      client.drop()
      return () => {}
    }
  }

  function beat(): void {
    stopBeating = arm(beat, HEARTBEAT_MS)
    for (const client of clients.values()) client.send(BEAT)
  }

  return {
    url: `http://127.0.0.1:${port}/${token}/`,
    async close() {
      stopBeating()
      const gone = new Promise((resolve) => server.close(resolve))
      for (const socket of [...visits, ...clients.keys()]) socket.destroy()
      await gone
    },
  }
}

function respond(socket: Socket, answer: Answer): void {
  socket.end(bytesOf(answer))
}

/** The port; undefined when there is none. */
function listen(server: Server): Promise<number | undefined> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      server.unref()
      const address = server.address()
      resolve(address === null || typeof address === 'string' ? undefined : address.port)
    })
  })
}
