import { seeded } from './people.ts'
import { type Outcome, simulateUse } from './use.ts'

/**
 * Prints what weeks of use waste under each strategy, at several demands (1 = all of the quota).
 * `npx tsx test/simulate/run.ts [seeds]`
 */
const SEEDS = Number(process.argv[2] ?? 20)
const ACCOUNTS = 4
const WEEKS = 4

for (const demand of [0.6, 0.8, 1, 1.2]) {
  for (const strategy of ['sticky', 'hybrid', 'drain'] as const) {
    const outcomes = Array.from({ length: SEEDS }, (_, seed) =>
      simulateUse(strategy, seeded(seed + 1), { accounts: ACCOUNTS, weeks: WEEKS, demand }),
    )
    const mean = (of: (outcome: Outcome) => number) =>
      (outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / SEEDS).toFixed(1)
    const line = [
      `demand ${demand}`,
      strategy.padEnd(6),
      `wasted ${mean(({ wastedPercent }) => wastedPercent)} %`,
      `unserved ${mean(({ unservedPercent }) => unservedPercent)} %`,
      `moves ${mean(({ moves }) => moves / WEEKS)} a week`,
      `of ${mean(({ requests }) => requests / WEEKS)} requests`,
    ]
    process.stdout.write(`${line.join('  ')}\n`)
  }
}
