import type { World } from '../world.ts'

/** When each account may be asked about next. */
export interface UsagePlans {
  mayAsk(id: string): boolean
  /** The question leaves now. */
  asked(id: string): void
  answered(id: string): void
  /** Milliseconds until it is asked again at the earliest. */
  failed(id: string, retryAfterMs: number | undefined): number
  /** Another process learned it at `at`, epoch ms: it need not be asked here. */
  known(id: string, at: number): void
}

/** No account is asked about more often, by all processes together. */
export const ASK_EVERY_MS = 5 * 60_000
/** Pauses are longer by up to a fifth, so that processes and accounts do not fall into step. */
const SPREAD = 0.2
/** After failures, which double the pause. */
const LONGEST_PAUSE_MS = 60 * 60_000

interface Plan {
  /** Epoch ms. */
  readonly notBefore: number
  readonly failures: number
}

const NO_PLAN: Plan = { notBefore: 0, failures: 0 }

export function createUsagePlans({ now, random }: Pick<World, 'now' | 'random'>): UsagePlans {
  const plans = new Map<string, Plan>()
  const of = (id: string) => plans.get(id) ?? NO_PLAN
  const change = (id: string, changes: Partial<Plan>) =>
    void plans.set(id, { ...of(id), ...changes })
  const spread = (ms: number) => Math.round(ms * (1 + SPREAD * random()))

  return {
    mayAsk: (id) => of(id).notBefore <= now(),
    asked: (id) => change(id, { notBefore: now() + spread(ASK_EVERY_MS) }),
    answered: (id) => change(id, { failures: 0 }),
    failed(id, retryAfterMs = 0) {
      const failures = of(id).failures + 1
      const pause = Math.max(ASK_EVERY_MS * 2 ** Math.min(failures, 10), retryAfterMs)
      const ms = spread(Math.min(LONGEST_PAUSE_MS, pause))
      change(id, { notBefore: now() + ms, failures })
      return ms
    },
    known: (id, at) =>
      change(id, { notBefore: Math.max(of(id).notBefore, at + spread(ASK_EVERY_MS)) }),
  }
}
