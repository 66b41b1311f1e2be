import { randomBytes } from 'node:crypto'
import { type Socket, createServer } from 'node:net'
import { listen } from '../loopback/listen.ts'
import type { RequestHead } from '../loopback/request-head.ts'
import { createVisits } from '../loopback/visits.ts'
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
  const visits = createVisits(arm, hear)
  const clients = new Map<Socket, Client>()
  const server = createServer(visits.accept)
  const port = await listen(server, 0, '127.0.0.1')
  if (port === undefined) return undefined
  // It listens already: only what fails later, such as accepting when no file is left, comes here.
  server.on('error', () => {})
  let stopBeating = arm(beat, HEARTBEAT_MS)

  function hear(socket: Socket, request: RequestHead | undefined): void {
    if (request === undefined) return respond(socket, nothing(400))
    const visit = judgeVisit(request, { port: port ?? 0, token })
    if (visit.kind === 'refused') respond(socket, nothing(visit.status))
    else admit(socket, visit.wanted)
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
    visits.keep(socket)
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
      visits.cut()
      for (const socket of clients.keys()) socket.destroy()
      await gone
    },
  }
}

function respond(socket: Socket, answer: Answer): void {
  socket.end(bytesOf(answer))
}
