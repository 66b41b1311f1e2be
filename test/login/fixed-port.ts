import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Stands for OpenAI's one port: whoever listens here may use that one. */
const TURN_PORT = 14_559
const POLL_MS = 50
/** A turn may be that of a whole file of tests with the real OpenCode. */
export const TURN_MS = 300_000

/**
 * Waits until no other test on this machine uses OpenAI's port 1455. Resolves with the end of the
 * turn; it also ends with the process.
 */
export async function takeTurnOnFixedPort(): Promise<() => void> {
  for (;;) {
    const end = await occupy(TURN_PORT)
    if (end !== undefined) return end
    await sleep(POLL_MS)
  }
}

/** Listens on a port of 127.0.0.1, until called; undefined when somebody else does. */
export function occupy(port: number, host = '127.0.0.1'): Promise<(() => void) | undefined> {
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, ipv6Only: true }, () => resolve(() => server.close()))
  })
}
