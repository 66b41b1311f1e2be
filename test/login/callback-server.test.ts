import { type ListenOptions, Server } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startCallbackServer } from '../../src/login/callback-server.ts'
import { realWorld } from '../../src/world.ts'
import { TURN_MS, occupy, takeTurnOnFixedPort } from './fixed-port.ts'
import { LOOPBACK, isListening } from './raw.ts'

const FIXED_PORT = 1455
const ends: (() => unknown)[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const end of ends.splice(0).toReversed()) await end()
})

const start = (port: number) =>
  startCallbackServer({
    port,
    path: '/callback',
    cancelPath: undefined,
    state: 'the state of this login',
    signal: new AbortController().signal,
    arm: realWorld(() => {}).arm,
  })

/** So often another program has the port on ::1 right before it is asked for there. */
function takeOnIPv6(times: number): readonly number[] {
  const taken: number[] = []
  const listen = Server.prototype.listen
  vi.spyOn(Server.prototype, 'listen').mockImplementation(function (
    this: Server,
    options: ListenOptions,
    done?: () => void,
  ) {
    const { host, port = 0 } = options
    if (host !== '::1' || taken.length >= times) return listen.call(this, options, done)
    taken.push(port)
    const other = new Server()
    ends.push(() => other.close())
    listen.call(other, { ...options }, () => listen.call(this, options, done))
    return this
  })
  return taken
}

describe.runIf(LOOPBACK.includes('::1'))('a port that is taken on ::1 alone', () => {
  it('is left for another free one, which is open on both addresses', async () => {
    const taken = takeOnIPv6(2)
    const server = await start(0)
    ends.push(() => server?.close())
    const port = Number(new URL(server?.redirectUri ?? '').port)
    expect(taken).toHaveLength(2)
    expect(taken).not.toContain(port)
    for (const host of LOOPBACK) expect(await isListening(port, host)).toBe(true)
    for (const left of taken) expect(await isListening(left, '127.0.0.1')).toBe(false)
  })

  it('ends the search after some tries, and leaves nothing open', async () => {
    const taken = takeOnIPv6(100)
    expect(await start(0)).toBe(undefined)
    expect(taken).toHaveLength(5)
    for (const left of taken) expect(await isListening(left, '127.0.0.1')).toBe(false)
  })

  it(
    'is not had at all where the provider takes no other',
    async () => {
      ends.push(await takeTurnOnFixedPort())
      ends.push((await occupy(FIXED_PORT, '::1')) ?? (() => {}))
      expect(await start(FIXED_PORT)).toBe(undefined)
      expect(await isListening(FIXED_PORT, '127.0.0.1')).toBe(false)
    },
    TURN_MS,
  )
})
