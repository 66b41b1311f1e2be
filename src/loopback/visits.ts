import type { Socket } from 'node:net'
import type { World } from '../world.ts'
import { type RequestHead, readRequest } from './request-head.ts'

/** Who is connected to a listener on this machine. Nobody who is keeps the process alive. */
export interface Visits {
  /** For `createServer`. */
  accept(socket: Socket): void
  /** Lets one stay as long as he likes. */
  keep(socket: Socket): void
  /** Disconnects everybody else. */
  cut(): void
}

/** A browser sends its request at once, and reads a small page at once. */
const LONGEST_MS = 5_000
/** Somebody who opens more loses the oldest ones, and keeps no browser out. */
const MOST = 64

/**
 * Hears one request of each connection: a browser sends none behind it.
 *
 * @param heard Undefined: what came is no request that a browser sends.
 */
export function createVisits(
  arm: World['arm'],
  heard: (socket: Socket, request: RequestHead | undefined) => void,
): Visits {
  const visits = new Set<Socket>()

  return {
    accept(socket) {
      const [oldest] = visits
      if (visits.size >= MOST) oldest?.destroy()
      visits.add(socket)
      socket.unref()
      const stopLimit = arm(() => visits.has(socket) && socket.destroy(), LONGEST_MS)
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
        heard(socket, read.kind === 'request' ? read.request : undefined)
      })
    },
    keep: (socket) => void visits.delete(socket),
    cut() {
      for (const socket of visits) socket.destroy()
    },
  }
}
