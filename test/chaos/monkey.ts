import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Death } from './check.ts'
import type { Worker } from './crew.ts'

export interface Monkey {
  readonly kills: () => number
  readonly stops: () => number
  readonly deaths: readonly Death[]
  /** Lets everybody run again and does no more harm. */
  rest(): Promise<void>
}

export interface MonkeyPlan {
  /** One process is killed, and started again, so often. */
  readonly killEveryMs: number
  /** One process is stopped so often; several sleep at a time. */
  readonly stopEveryMs: number
  readonly stopForMs: () => number
  /** Never fewer than this run. */
  readonly awake: number
}

/** Kills and stops the workers of a scenario. `replace` starts a killed one again. */
export function startMonkey(
  workers: Map<string, Worker>,
  plan: MonkeyPlan,
  replace: (name: string) => Worker,
): Monkey {
  const ending = new AbortController()
  // One for each sleeper.
  setMaxListeners(0, ending.signal)
  const deaths: Death[] = []
  const asleepSince = new Map<Worker, number>()
  let stops = 0

  async function every(ms: number, act: () => void): Promise<void> {
    for (;;) {
      const over = await pause(ms * (0.5 + Math.random()), false, { signal: ending.signal }).catch(
        () => true,
      )
      if (over) return
      act()
    }
  }

  function killOne(): void {
    const victim = anyOf([...workers.values()])
    if (victim === undefined) return
    // A process that was asleep when it was killed did nothing since it fell asleep.
    deaths.push({ client: victim.name, at: asleepSince.get(victim) ?? Date.now() })
    victim.kill()
    asleepSince.delete(victim)
    const name = victim.name.split('.')[0] ?? ''
    workers.set(name, replace(name))
  }

  function stopOne(): void {
    const awake = [...workers.values()].filter((worker) => !worker.isStopped())
    const victim = anyOf(awake)
    if (victim === undefined || awake.length <= plan.awake) return
    stops += 1
    victim.stop()
    asleepSince.set(victim, Date.now())
    void wake(victim)
  }

  async function wake(victim: Worker): Promise<void> {
    await pause(plan.stopForMs(), undefined, { signal: ending.signal }).catch(() => undefined)
    if (asleepSince.delete(victim)) victim.resume()
  }

  const acts = [every(plan.killEveryMs, killOne), every(plan.stopEveryMs, stopOne)]
  return {
    kills: () => deaths.length,
    stops: () => stops,
    deaths,
    async rest() {
      ending.abort()
      await Promise.all(acts)
      for (const worker of workers.values()) if (worker.isStopped()) worker.resume()
    },
  }
}

function anyOf<Item>(items: readonly Item[]): Item | undefined {
  return items[Math.floor(Math.random() * items.length)]
}
