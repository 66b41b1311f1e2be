import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { createClient, eventText } from '../../../src/inspect/client.ts'
import { realWorld } from '../../../src/world.ts'

/**
 * Serves three readers, one after the other, who read nothing at first. Prints its port, and a line
 * of JSON for each with what came of it.
 */
const { arm } = realWorld(() => {})
const MEGABYTE = 1_048_576
/** More than the system takes for a socket that nobody reads. */
const MUCH = 'x'.repeat(30 * MEGABYTE)

const server = createServer()
const connections = (async function* () {
  for (;;) {
    const [socket]: Socket[] = await once(server, 'connection')
    if (socket !== undefined) yield socket.on('error', () => {})
  }
})()
server.listen(0, '127.0.0.1')
await once(server, 'listening')
print(server.address())

const flooded = await next()
const client = createClient(flooded, arm)
let most = 0
for (let sent = 0; sent < 1_000 && !flooded.destroyed; sent++) {
  client.send(eventText('x'.repeat(65_536)))
  most = Math.max(most, flooded.writableLength)
}
print({ isDropped: flooded.destroyed, isBounded: most > 0 && most < 2 * MEGABYTE })

const stalled = await next()
const started = performance.now()
createClient(stalled, arm).send(MUCH)
await once(stalled, 'close')
const ms = performance.now() - started
print({ isDroppedInTime: ms > 1_500 && ms < 4_000 })

const slow = await next()
const viewer = createClient(slow, arm)
viewer.send(MUCH)
let made = 0
for (let times = 0; times < 100; times++) {
  viewer.offer(() => {
    made += 1
    return `offer ${times}`
  })
}
print({ madeBefore: made })
await once(slow, 'close')
print({ madeInAll: made })
server.close()

async function next(): Promise<Socket> {
  const { value } = await connections.next()
  if (value === undefined) throw new Error('nobody came')
  return value
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
