import { type Socket, connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { findSecret } from '../canary/forms.ts'
import { hangOn, isListening, sendRaw } from '../login/raw.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'
import { pictureOf, soon, watchStream } from './stream.ts'

describe.each(RUNTIMES)('the inspector in %s', { timeout: 20_000 }, (runtime) => {
  it('shows a process that it never keeps alive, whoever looks', async () => {
    const program = startProgram(new URL('programs/shown.ts', import.meta.url), [], runtime)
    const url = await program.line()
    const events = await watchStream(`${url}events`)
    const messages = await watchStream(`${url}inspect`)
    const idle = await hangOn(Number(new URL(url).port), 'GET')
    await soon(() => expect(pictureOf(events).pools[0]?.accounts).toHaveLength(2))
    await soon(() => expect(messages.text()).toContain('account:two'))
    const { port, host } = new URL(url)
    const foreign = await sendRaw(
      Number(port),
      `GET / HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://evil.example\r\n\r\n`,
    )
    expect([foreign.status, foreign.isClosed]).toEqual([403, true])
    const page = await fetch(url)
    expect([page.status, page.headers.get('x-frame-options')]).toEqual([200, 'DENY'])
    expect(findSecret(events.text() + messages.text() + (await page.text()))).toBe(undefined)
    program.tell('that is all')
    expect(await program.ended()).toBe(0)
    await soon(() => expect([events.hasEnded(), messages.hasEnded()]).toEqual([true, true]))
    idle.destroy()
  })

  it('is gone when the pool is, for whoever looks', async () => {
    const program = startProgram(new URL('programs/shown.ts', import.meta.url), [], runtime)
    const url = await program.line()
    const streams = [await watchStream(`${url}events`), await watchStream(`${url}inspect`)]
    const started = performance.now()
    program.tell('dispose')
    expect(await program.line()).toBe('disposed')
    expect(performance.now() - started).toBeLessThan(900)
    await soon(() => expect(streams.map((stream) => stream.hasEnded())).toEqual([true, true]))
    expect(await isListening(Number(new URL(url).port), '127.0.0.1')).toBe(false)
    expect(await program.ended()).toBe(0)
  })

  it('drops who does not read, and brings who is slow only the newest', async () => {
    const program = startProgram(new URL('programs/serve-slowly.ts', import.meta.url), [], runtime)
    const next = async () => JSON.parse(await program.line())
    const { port } = await next()
    const flooded = pausedReader(port)
    expect(await next()).toEqual({ isDropped: true, isBounded: true })
    flooded.destroy()
    const stalled = pausedReader(port)
    expect(await next()).toEqual({ isDroppedInTime: true })
    stalled.destroy()
    const slow = pausedReader(port)
    expect(await next()).toEqual({ madeBefore: 0 })
    let end = ''
    slow.on('data', (piece: Buffer) => (end = (end + piece.toString('latin1')).slice(-8)))
    slow.resume()
    await soon(() => expect(end).toBe('offer 99'))
    slow.destroy()
    expect(await next()).toEqual({ madeInAll: 1 })
    expect(await program.ended()).toBe(0)
  })
})

function pausedReader(port: number): Socket {
  return connect(port, '127.0.0.1')
    .on('error', () => {})
    .pause()
}
