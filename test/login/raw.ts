import { type Socket, connect } from 'node:net'
import { networkInterfaces } from 'node:os'

/** The addresses that `localhost` may mean on this machine. */
export const LOOPBACK = ['127.0.0.1', '::1'].filter((host) =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ address }) => address === host),
)

/** What a server sent back, until it or our patience ended the connection. */
export interface RawAnswer {
  readonly text: string
  /** Undefined when there was no answer. */
  readonly status: number | undefined
  readonly isClosed: boolean
}

/** Sends bytes as they are, over a connection of its own. */
export function sendRaw(
  port: number,
  text: string,
  { host = '127.0.0.1', patienceMs = 10_000 } = {},
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, host)
    const end = (isClosed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(received) ?? []
      resolve({
        text: received,
        status: status === undefined ? undefined : Number(status),
        isClosed,
      })
    }
    const timer = setTimeout(() => end(false), patienceMs)
    socket.on('data', (piece) => (received += piece.toString('latin1')))
    socket.on('error', () => end(true))
    socket.on('close', () => end(true))
    socket.on('connect', () => socket.write(text))
  })
}

/** A connection that says this much and no more; half open, it outlasts the end of the other side. */
export async function hangOn(port: number, text: string, allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen })
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(text)
  return socket
}

/** Whether anything accepts connections there. */
export function isListening(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    const end = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
