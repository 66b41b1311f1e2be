import type { Server } from 'node:net'

/**
 * Listens without keeping the process alive. Gives the port that was taken; undefined when it is
 * not to be had.
 */
export function listen(server: Server, port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, ipv6Only: true }, () => {
      server.unref()
      const address = server.address()
      resolve(address === null || typeof address === 'string' ? undefined : address.port)
    })
  })
}
