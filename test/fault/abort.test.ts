import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'
import { createCases } from './cases.ts'
import { STAGES } from './stages.ts'

const report = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ ends: v.record(v.string(), v.unknown()), stray: v.array(v.string()) }),
)
const BLAMELESS = { isSame: true, inFlight: 0, state: 'active' }
const cases = createCases()

afterEach(cases.close)

describe.each(RUNTIMES)('an abort, in %s', (runtime) => {
  it.each([
    ['Anthropic', createFakeAnthropic],
    ['OpenAI', createFakeOpenAI],
  ])(
    'rejects with its own reason at every stage, blames nobody and frees everything (%s)',
    async (_name, createFake) => {
      const prepared = await Promise.all(
        Object.entries(STAGES).map(async ([name, { arrange, sign, seen }]) => {
          const fake = await createFake({ accounts: ['a'] })
          const request = await cases.add(fake, arrange)
          return { fake, seen, listed: { ...request, name, sign } }
        }),
      )
      const list = join(await cases.folder(), 'requests.json')
      await writeFile(list, JSON.stringify(prepared.map(({ listed }) => listed)))
      const program = startProgram(new URL('programs/abort.ts', import.meta.url), [list], runtime)
      const telling = prepared.map(async ({ fake, seen, listed }) => {
        await seen?.(fake)
        if (seen !== undefined) program.tell(listed.name)
      })
      const { ends, stray } = v.parse(report, await program.line())
      await Promise.all(telling)
      expect(ends).toEqual({
        ...Object.fromEntries(Object.keys(STAGES).map((name) => [name, BLAMELESS])),
        // Its limit has been seen before.
        'while all are limited': { ...BLAMELESS, state: 'rateLimited' },
      })
      expect(stray).toEqual([])
      for (const { fake } of prepared) await expect.poll(() => fake.openAnswers()).toBe(0)
      expect(await program.ended()).toBe(0)
    },
    30_000,
  )
})
