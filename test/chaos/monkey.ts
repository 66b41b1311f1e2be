import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Nap } from './check.ts'
import type { Worker } from './crew.ts'

export interface Monkey {
  readonly kills: () => number
  /** Stops that lasted as long as planned: those that a kill or the end cut short do not count. */
  readonly stops: () => number
  /** Every sleep, in order of its end. */
  readonly naps: readonly Nap[]
  /** Lets everybody run again and does no more harm. Settles when the killed are gone. */
  rest(): Promise<void>
}

export interface MonkeyPlan {
  /** One process is killed, and started again, so often. */
  readonly killEveryMs: number
  readonly kills: 'awake' | 'anybody'
  /** One process is stopped so often; several sleep at a time. */
  readonly stopEveryMs: number
  readonly stopForMs: () => number
  /** Never fewer than this run. */
  readonly awake: number
  /** Who is doing something delicate at this moment, by name: half of the harm is aimed there. */
  readonly aim?: () => string | undefined
  /** Called when a killed process has gone. */
  readonly onDeath?: (victim: Worker) => void
}

/** How long the monkey waits for somebody to aim at. */
const AIM_MS = 400

/** Kills and stops the workers of a scenario. `replace` starts a killed one again. */
export function startMonkey(
  workers: Map<string, Worker>,
  plan: MonkeyPlan,
  replace: (name: string) => Worker,
): Monkey {
  const ending = new AbortController()
  // One for each sleeper.
  setMaxListeners(0, ending.signal)
  const naps: Nap[] = []
  const asleepSince = new Map<Worker, number>()
  const dying: Promise<void>[] = []
  let stops = 0

  async function every(ms: number, act: () => Promise<void>): Promise<void> {
    while (await sleep(ms * (0.5 + Math.random()))) await act()
  }

  /** False when the monkey rests before the time is over. */
  async function sleep(ms: number): Promise<boolean> {
    return pause(ms, true, { signal: ending.signal }).catch(() => false)
  }

  async function killOne(): Promise<void> {
    const victim = await choose(plan.kills === 'awake' ? awake : everybody)
    if (victim === undefined) return
    victim.kill()
    wakeUp(victim)
    dying.push(victim.gone.then(() => plan.onDeath?.(victim)))
    const name = victim.name.split('.')[0] ?? ''
    workers.set(name, replace(name))
  }

  async function stopOne(): Promise<void> {
    if (awake().length <= plan.awake) return
    const victim = await choose(awake)
    if (victim === undefined) return
    victim.stop()
    asleepSince.set(victim, Date.now())
    void sleepThrough(victim)
  }

  async function sleepThrough(victim: Worker): Promise<void> {
    if (!(await sleep(plan.stopForMs())) || !asleepSince.has(victim)) return
    stops += 1
    wakeUp(victim)
  }

  function wakeUp(victim: Worker): void {
    const from = asleepSince.get(victim)
    if (from === undefined) return
    asleepSince.delete(victim)
    naps.push({ client: victim.name, from, to: Date.now() })
    victim.resume()
  }

  /** Half of the time somebody at the delicate moment, if there is one soon. */
  async function choose(among: () => readonly Worker[]): Promise<Worker | undefined> {
    const end = Date.now() + (Math.random() < 0.5 ? AIM_MS : 0)
    while (plan.aim !== undefined && Date.now() < end) {
      const name = plan.aim()
      const aimedAt = among().find((worker) => worker.name === name)
      if (aimedAt !== undefined) return aimedAt
      if (!(await sleep(5))) return undefined
    }
    const all = among()
    return all[Math.floor(Math.random() * all.length)]
  }

  function everybody(): readonly Worker[] {
    return [...workers.values()]
  }

  function awake(): readonly Worker[] {
    return everybody().filter((worker) => !worker.isStopped())
  }

  const acts = [every(plan.killEveryMs, killOne), every(plan.stopEveryMs, stopOne)]
  return {
    kills: () => dying.length,
    stops: () => stops,
    naps,
    async rest() {
      ending.abort()
      await Promise.all(acts)
      for (const worker of everybody()) wakeUp(worker)
      await Promise.all(dying)
    },
  }
}
