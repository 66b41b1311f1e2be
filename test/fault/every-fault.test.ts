import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'
import { BODIES } from './bodies.ts'
import { createCases } from './cases.ts'
import { FAULTS } from './faults.ts'

const report = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ ends: v.array(v.string()), stray: v.array(v.string()) }),
)
/** Pauses before an overloaded provider is asked again take most of it. */
const LONGEST_MS = 30_000
const cases = createCases()

afterEach(cases.close)

describe.each(RUNTIMES)('every fault with every kind of body, in %s', (runtime) => {
  it.each([
    ['Anthropic', createFakeAnthropic],
    ['OpenAI', createFakeOpenAI],
  ])(
    'ends in an answer or a typed error, and leaves nothing behind (%s)',
    async (_name, createFake) => {
      const tried = Object.entries(FAULTS).flatMap(([name, fault]) =>
        Object.keys(BODIES).map((body) => ({ name: `${name}, ${body}`, fault, body })),
      )
      const listed = tried.map(async ({ fault, body }) => {
        const fake = await createFake({ accounts: ['a', 'b'] })
        return { ...(await cases.add(fake, fault.arrange)), body }
      })
      const list = join(await cases.folder(), 'requests.json')
      await writeFile(list, JSON.stringify(await Promise.all(listed)))
      const program = startProgram(new URL('programs/meet.ts', import.meta.url), [list], runtime)
      const { ends, stray } = v.parse(report, await program.line())
      const seen = tried.map(({ name }, index) => [name, ends[index]])
      const expected = tried.map(({ name, fault }) => [name, expect.stringMatching(fault.ends)])
      expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected))
      expect(stray).toEqual([])
      // No timer, socket or listener holds the process.
      expect(await program.ended()).toBe(0)
    },
    LONGEST_MS,
  )
})
