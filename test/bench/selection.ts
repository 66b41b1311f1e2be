import { newFacts } from '../../machines/facts.ts'
import type { AccountView } from '../../machines/view.ts'
import { createHotStates } from '../../src/pool/hot.ts'
import { selectAccount } from '../../src/pool/select/select.ts'
import type { Row } from './table.ts'

const ROUNDS = 50_000
const COUNTS = [1, 100, 1_000]

/** Choosing an account and recording the success, without any I/O; its cost may grow with their number. */
export function measureSelection(): Row[] {
  return COUNTS.flatMap(measureWith)
}

function measureWith(accounts: number): Row[] {
  const views: AccountView[] = Array.from({ length: accounts }, (_, index) => {
    const id = `account-${index}`
    return { id, state: 'active', renewing: false, facts: newFacts(id) }
  })
  const tried = new Set<string>()
  return (['sticky', 'round-robin', 'hybrid', 'drain'] as const).map((strategy) => {
    const hot = createHotStates()
    const once = (now: number, active: string | undefined) => {
      const selection = selectAccount({
        views,
        hot: hot.of,
        strategy,
        softQuotaPercent: 100,
        family: 'sonnet',
        home: undefined,
        homeServedAt: 0,
        maxInFlight: 0,
        standIn: undefined,
        parentHome: undefined,
        active,
        tried,
        now,
      })
      if (!selection.ok) throw new Error('nobody was chosen')
      hot.begin(selection.id, false, now)()
      return selection.id
    }
    let active: string | undefined
    for (let round = 0; round < ROUNDS / 10; round++) active = once(round, active)
    const start = performance.now()
    for (let round = 0; round < ROUNDS; round++) active = once(round, active)
    const measured = ((performance.now() - start) * 1_000) / ROUNDS
    return {
      what: `select + record a success, ${accounts} accounts, ${strategy}`,
      measured,
      unit: 'µs',
      target: accounts > 100 ? 200 : 20,
      bare: undefined,
    }
  })
}
