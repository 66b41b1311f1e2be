import { describe, expect, it, onTestFinished } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { FAILS_IN_STREAM, STALLS_AFTER, WHEN } from '../fake/behaviors.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'

describe.each(RUNTIMES)('a pool in %s', { timeout: 20_000 }, (runtime) => {
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

  it('watches streams as everywhere: before content, after it, broken off, aborted, stalled', async () => {
    const program = startProgram(new URL('programs/streams.ts', import.meta.url), [], runtime)
    expect(JSON.parse(await program.line())).toEqual({
      overloadedBefore: true,
      cutBefore: true,
      failedAfter: [true, null],
      cutAfter: 'connection lost',
      unfinished: [true, 'connection lost'],
      tool: true,
      abortHeld: ['escape', true],
      abortRead: 'enough',
      stalled: 'stream timed out',
      states: [
        ['active', 0],
        ['active', 0],
      ],
    })
    expect(await program.ended()).toBe(0)
  })

  it('hangs up at the provider whatever it does not read to the end', async () => {
    const fake = await createFakeAnthropic({ accounts: ['a'] })
    onTestFinished(fake.close)
    fake.account('a').behave(
      WHEN(
        ({ session }) => session === 'fails',
        FAILS_IN_STREAM('request', '', { stays: true }),
        WHEN(({ session }) => session === 'shown', STALLS_AFTER('shown'), STALLS_AFTER('')),
      ),
    )
    const program = startProgram(new URL('programs/hang-up.ts', import.meta.url), [], runtime)
    const { accounts } = fake.seed()
    program.tell(JSON.stringify({ endpoints: fake.endpoints, accounts }))
    expect(await program.line()).toBe('400')
    expect(fake.modelRequests()).toHaveLength(5)
    await expect.poll(() => fake.openAnswers(), { timeout: 5_000 }).toBe(0)
    expect(program.child.exitCode).toBe(null)
  })
})
