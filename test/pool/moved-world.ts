import type { World } from '../../src/world.ts'

interface Asked {
  readonly url: string
  /** Of the moved clock. */
  readonly at: number
}

/**
 * A world whose time is moved by hand, with the real network. It starts at the real time, because
 * tokens and windows of the fakes end by it.
 */
export function createMovedWorld(fetching: World['fetch'] = fetch, random = () => 0.5) {
  let now = Date.now()
  const onTheWay = new Set<object>()
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>()
  const asked: Asked[] = []
  const said: string[] = []

  async function settle(): Promise<void> {
    do {
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    } while (onTheWay.size > 0)
  }

  function arm(fire: () => void, ms: number): () => void {
    const timer = { at: now + ms, fire }
    timers.add(timer)
    return () => void timers.delete(timer)
  }

  const world: World = {
    async fetch(url, init) {
      asked.push({ url, at: now })
      const exchange = {}
      // One that waits for ever must not be waited for.
      if (fetching === fetch) onTheWay.add(exchange)
      try {
        const response = await fetching(url, init)
        const { status, headers } = response
        return new Response(await response.arrayBuffer(), { status, headers })
      } finally {
        onTheWay.delete(exchange)
      }
    },
    now: () => now,
    monotonic: () => now,
    random,
    arm,
    delay: (ms) => new Promise((resolve) => void arm(resolve, ms)),
    log: (_level, message) => void said.push(message),
  }

  return {
    world,
    /** Every request that left, the model's too. */
    asked: asked as readonly Asked[],
    said: said as readonly string[],
    now: () => now,
    settle,
    timers: () => timers.size,
    /** Lets time pass, timer by timer, and what each begins come to its end. */
    async pass(ms: number): Promise<void> {
      const end = now + ms
      await settle()
      for (;;) {
        const [next] = [...timers].toSorted((left, right) => left.at - right.at)
        if (next === undefined || next.at > end) break
        now = Math.max(now, next.at)
        timers.delete(next)
        next.fire()
        await settle()
      }
      now = end
    },
  }
}
