import { expect, it, onTestFinished } from 'vitest'
import { createInspector } from '../../src/inspect/inspector.ts'
import { anthropic } from '../../src/provider/anthropic/adapter.ts'
import { isListening } from '../login/raw.ts'
import { pictureOf, soon, watchStream } from './stream.ts'

const TEN_MINUTES_MS = 600_000

it('waits ten minutes for a pool that has left, at the same address', async () => {
  const { show, pass } = start()
  const first = show()
  const url = (await first.address) ?? ''
  const stream = await watchStream(`${url}events`)
  first.leave()
  const second = show()
  expect(await second.address).toBe(url)
  pass(TEN_MINUTES_MS)
  expect((await fetch(url)).status).toBe(200)
  expect(stream.hasEnded()).toBe(false)

  second.leave()
  expect((await fetch(url)).status).toBe(200)
  pass(TEN_MINUTES_MS)
  await soon(async () => {
    expect(await isListening(Number(new URL(url).port), '127.0.0.1')).toBe(false)
    expect(stream.hasEnded()).toBe(true)
  })
})

it('does not wait when the last pool is closed, whoever has left before', async () => {
  const { show, pass } = start()
  const [left, closed] = [show(), show()]
  const url = (await left.address) ?? ''
  const stream = await watchStream(`${url}events`)
  await soon(() => expect(pictureOf(stream).pools).toHaveLength(2))
  left.leave()
  left.leave()
  await left.close()
  expect((await fetch(url)).status).toBe(200)
  await closed.close()
  expect(await isListening(Number(new URL(url).port), '127.0.0.1')).toBe(false)
  pass(TEN_MINUTES_MS)
})

/** An inspector whose long timers are due by hand, and pools without accounts. */
function start() {
  const timers = new Set<{ readonly fire: () => void; readonly ms: number }>()
  const inspector = createInspector({
    arm(fire, ms) {
      const timer = { fire, ms }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    now: Date.now,
    pid: process.pid,
  })
  return {
    show() {
      const shown = inspector.show(
        {
          provider: anthropic,
          status: () => ({ provider: 'anthropic', accounts: [], problem: '' }),
          subscribe: () => () => {},
          inspection: { machines: [], leases: () => [] },
        },
        () => {},
      )
      onTestFinished(() => shown.close())
      return shown
    },
    pass(ms: number) {
      for (const timer of [...timers].filter((each) => each.ms === ms)) {
        timers.delete(timer)
        timer.fire()
      }
    },
  }
}
