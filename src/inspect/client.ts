import type { Socket } from 'node:net'
import type { World } from '../world.ts'

/** Somebody who reads a stream of events. */
export interface Client {
  /** Every text arrives, in order, or the client is dropped. */
  send(text: string): void
  /** What `make` gives when the client is ready for it; an offer that is made later replaces it. */
  offer(make: () => string): void
  drop(): void
}

/** Beyond what it was given first; a reader on the same machine is never so far behind. */
const MOST_QUEUED_BYTES = 1_048_576
/**
 * Somebody who reads nothing for so long is dropped: what waits to be written keeps a Node process
 * alive, whatever its socket was told.
 */
const LONGEST_STALL_MS = 2_000

export function createClient(socket: Socket, arm: World['arm']): Client {
  let onTheirWay = 0
  let limit: number | undefined
  let offered: (() => string) | undefined
  let stopStall: (() => void) | undefined
  const drop = () => void socket.destroy()
  socket.once('close', () => stopStall?.())

  function send(text: string): void {
    if (socket.destroyed) return
    limit ??= MOST_QUEUED_BYTES + text.length
    if (socket.writableLength > limit) return drop()
    onTheirWay += 1
    stopStall ??= arm(drop, LONGEST_STALL_MS)
    socket.write(text, arrived)
  }

  function arrived(): void {
    onTheirWay -= 1
    stopStall?.()
    stopStall = onTheirWay > 0 && !socket.destroyed ? arm(drop, LONGEST_STALL_MS) : undefined
    if (onTheirWay > 0) return
    const make = offered
    offered = undefined
    if (make !== undefined) send(make())
  }

  return {
    send,
    offer(make) {
      if (onTheirWay > 0) offered = make
      else send(make())
    },
    drop,
  }
}

/** One event of a stream (WHATWG HTML §9.2). `json` has no line breaks. */
export function eventText(json: string, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${json}\n\n`
}
