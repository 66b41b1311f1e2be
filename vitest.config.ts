import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests of processes mostly wait: two more at a time than the machine has cores.
    maxWorkers: availableParallelism() + 2,
    // No test measures time: these end one that hangs, also on a machine that is busy elsewhere.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    expect: { poll: { timeout: 10_000, interval: 20 } },
  },
})
