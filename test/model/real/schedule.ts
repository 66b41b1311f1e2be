import { AsyncLocalStorage } from 'node:async_hooks'

/** Where a run leaves the plain order: before its `at`th step. */
export interface Deviation {
  readonly at: number
  /** Somebody else goes on, or the one whose turn it is dies. */
  readonly kind: 'switch' | 'kill'
}

interface Waiting {
  readonly who: number
  readonly label: string
  readonly isPoll: boolean
  readonly resume: () => void
}

/**
 * Runs several processes one step at a time. Plain order: one process until it ends or only waits,
 * then the next.
 */
export interface Schedule {
  /** Starts a process; what it awaits stays with it. */
  start(who: number, run: () => void): void
  /** Runs until nobody can go on. Throws after too many steps: somebody waits for ever. */
  run(): Promise<void>
  readonly steps: readonly string[]
  /** For each step, whether somebody else could have gone on instead. */
  readonly choices: readonly boolean[]
  readonly dead: ReadonlySet<number>
}

const MOST_STEPS = 2_000

let current: { wait: (waiting: Waiting) => void } | undefined
const identity = new AsyncLocalStorage<number>()

/** Which process asks. */
export function whoAmI(): number {
  return identity.getStore() ?? 0
}

/** One atomic step begins when this resolves. `isPoll`: it only looks whether others did something. */
export function turn(label: string, isPoll = false): Promise<void> {
  return new Promise((resume) => {
    current?.wait({ who: whoAmI(), label, isPoll, resume })
  })
}

export function createSchedule(
  deviations: readonly Deviation[],
  onKill: (who: number) => void,
): Schedule {
  let waiting: Waiting[] = []
  const steps: string[] = []
  const choices: boolean[] = []
  const dead = new Set<number>()
  let whose = 0
  current = { wait: (asked) => void (dead.has(asked.who) || waiting.push(asked)) }

  /** Whose turn it is after `from`; those who only poll come last. */
  function after(from: number): number {
    const order = waiting.toSorted((left, right) => rank(left) - rank(right))
    return order[0]?.who ?? from

    function rank({ who, isPoll }: Waiting): number {
      const distance = (who - from + 9) % 10
      return distance + (isPoll ? 10 : 0)
    }
  }

  function deviate(kind: Deviation['kind']): void {
    if (kind === 'kill') {
      onKill(whose)
      dead.add(whose)
      waiting = waiting.filter(({ who }) => who !== whose)
      steps.push(`${nameOf(whose)} is killed`)
    }
    whose = after(whose)
  }

  return {
    steps,
    choices,
    dead,
    start: (who, run) => identity.run(who, run),
    async run() {
      for (let at = 0; ; at += 1) {
        await settled()
        if (waiting.length === 0) return
        if (at > MOST_STEPS) throw new Error('a process waits for ever')
        choices.push(waiting.some(({ who }) => who !== whose))
        const planned = deviations.find((deviation) => deviation.at === at)
        if (planned !== undefined) deviate(planned.kind)
        const mine = waiting.find(({ who, isPoll }) => who === whose && !isPoll)
        if (mine === undefined) whose = after(whose)
        const chosen = waiting.find(({ who }) => who === whose)
        if (chosen === undefined) return
        waiting = waiting.filter((other) => other !== chosen)
        steps.push(`${nameOf(whose)} ${chosen.label}`)
        chosen.resume()
      }
    },
  }
}

/** All that follows from the last step, up to the next ones, has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function nameOf(who: number): string {
  return 'ABC'.charAt(who)
}
