import { describe, expect, it } from 'vitest'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'

describe.each(RUNTIMES)('a pool in %s', (runtime) => {
  it('moves, renews, aborts, streams and fails as everywhere, and lets the process end', async () => {
    const program = startProgram(new URL('programs/fail-over.ts', import.meta.url), [], runtime)
    expect(JSON.parse(await program.line())).toEqual({
      afterLimit: true,
      afterExpiry: true,
      exchanges: 1,
      reuses: 0,
      abortReason: 'enough',
      stream: true,
      unreachable: 'fetch failed',
      states: ['rateLimited', 'active', 'active'],
    })
    expect(await program.ended()).toBe(0)
  })
})
