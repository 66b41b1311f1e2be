import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { html } from '../../src/inspect/answers.ts'
import { type ServerOptions, startServer } from '../../src/inspect/server.ts'
import { hangOn } from '../login/raw.ts'
import { soon, watchStream } from './stream.ts'

const HEARTBEAT_MS = 15_000
const BEAT = 'event: beat\ndata:\n\n'
const VISIT_MS = 5_000

describe('the server of the inspector', () => {
  it('gives a sign of life to who reads, again and again', async () => {
    const { url, pass } = await start()
    const stream = await watchStream(`${url}events`)
    for (let beats = 1; beats <= 3; beats++) {
      pass(HEARTBEAT_MS)
      await soon(() => expect(stream.text()).toBe(`retry: 1000\n\n${BEAT.repeat(beats)}`))
    }
  })

  it('lets go of who connects and asks for nothing, and not of who reads', async () => {
    const { url, pass } = await start()
    const stream = await watchStream(`${url}events`)
    const silent = await hangOn(Number(new URL(url).port), 'GET /')
    let isClosed = false
    silent.on('close', () => (isClosed = true))
    await soon(() => {
      pass(VISIT_MS)
      expect(isClosed).toBe(true)
    })
    pass(HEARTBEAT_MS)
    await soon(() => expect(stream.text()).toContain(BEAT))
  })

  it('outlives a fault in what it shows', async () => {
    const { url } = await start({
      enter() {
        throw new Error('a fault of ours')
      },
    })
    const stream = await watchStream(`${url}events`)
    await soon(() => expect(stream.hasEnded()).toBe(true))
    expect((await fetch(url)).status).toBe(200)
  })

  it('has another address each time', async () => {
    const [one, other] = [await start(), await start()]
    expect(new URL(one.url).pathname).not.toBe(new URL(other.url).pathname)
  })
})

it('lets a page run the scripts and styles that stand in it, and no others', () => {
  const body =
    '<style>a{}</style><script type="module">\nlet b\n</script><svg><style>c{}</style></svg>'
  const policy = html(body, []).headers['content-security-policy']?.split('; ')
  expect(policy).toContain(`script-src ${hash('\nlet b\n')}`)
  expect(policy).toContain(`style-src ${hash('a{}')} ${hash('c{}')}`)
  expect(html('', []).headers['content-security-policy']).toContain("script-src 'none'")
})

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** A server whose timers are due by hand. */
async function start({ enter = () => () => {} }: Partial<ServerOptions> = {}) {
  const timers = new Set<{ readonly fire: () => void; readonly ms: number }>()
  const server = await startServer({
    arm(fire, ms) {
      const timer = { fire, ms }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    enter,
  })
  if (server === undefined) throw new Error('no port is free')
  onTestFinished(server.close)
  return {
    url: server.url,
    pass(ms: number) {
      for (const timer of [...timers].filter((each) => each.ms === ms)) {
        timers.delete(timer)
        timer.fire()
      }
    },
  }
}
