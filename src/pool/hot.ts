import type { Usage } from '../provider/provider.ts'
import type { HotState } from './select/selection.ts'
import { withNewerUsage } from './usage-windows.ts'

/** What changes with every request, in a plain map: a machine event each would cost 70 × more. */
export interface HotStates {
  of(id: string): HotState
  /** One more request in flight. Returns the way to end it, safe to call twice. */
  begin(id: string, probe: boolean, now: number): () => void
  /** What the provider said at `at`, epoch ms; nothing new when it named no window. */
  observe(id: string, usage: readonly Usage[], at: number): void
  /** What other processes put on each account; one that is not named has none. */
  setForeignLoads(loads: ReadonlyMap<string, number>): void
}

const UNUSED: HotState = {
  inFlight: 0,
  lastUsedAt: 0,
  probing: false,
  foreignLoad: 0,
  usage: [],
  usageAt: 0,
}

export function createHotStates(): HotStates {
  const states = new Map<string, HotState>()
  const of = (id: string) => states.get(id) ?? UNUSED
  const change = (id: string, changes: Partial<HotState>) =>
    void states.set(id, { ...of(id), ...changes })

  return {
    of,
    begin(id, probe, now) {
      const before = of(id)
      const probing = before.probing || probe
      change(id, { inFlight: before.inFlight + 1, lastUsedAt: now, probing })
      let ended = false
      return () => {
        if (ended) return
        ended = true
        const { inFlight, probing: stillProbing } = of(id)
        change(id, { inFlight: inFlight - 1, probing: probe ? false : stillProbing })
      }
    },
    observe(id, usage, at) {
      if (usage.length === 0) return
      change(id, { usage: withNewerUsage(of(id).usage, usage, at), usageAt: at })
    },
    setForeignLoads(loads) {
      for (const id of new Set([...states.keys(), ...loads.keys()])) {
        change(id, { foreignLoad: loads.get(id) ?? 0 })
      }
    },
  }
}
