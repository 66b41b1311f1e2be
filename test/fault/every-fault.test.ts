import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { bodyOf, requestOf } from '../request/open-pool.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'
import { BODIES } from './bodies.ts'
import { FAULTS } from './faults.ts'

const report = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ ends: v.array(v.string()), stray: v.array(v.string()) }),
)
/** Pauses before an overloaded provider is asked again take most of it. */
const LONGEST_MS = 30_000
const opened: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()))
})

describe.each(RUNTIMES)('every fault with every kind of body, in %s', (runtime) => {
  it.each([
    ['Anthropic', createFakeAnthropic],
    ['OpenAI', createFakeOpenAI],
  ])(
    'ends in an answer or a typed error, and leaves nothing behind (%s)',
    async (_name, createFake) => {
      const folder = await mkdtemp(join(tmpdir(), 'rota-fault-'))
      opened.push(() => rm(folder, { recursive: true, force: true }))
      const cases = Object.entries(FAULTS).flatMap(([name, fault]) =>
        Object.keys(BODIES).map((body) => ({ name: `${name}, ${body}`, fault, body })),
      )
      const encounters = cases.map(async ({ fault, body }, index) => {
        const fake = await createFake({ accounts: ['a', 'b'] })
        opened.push(fake.close)
        const file = join(folder, String(index), 'accounts.json')
        await mkdir(dirname(file))
        await writeFile(file, JSON.stringify(fake.seed()), { mode: 0o600 })
        await fault.arrange(fake)
        const [url, { headers }] = requestOf(fake, 'conversation-1')
        const text = JSON.stringify({ ...bodyOf(fake), stream: true })
        const { id: provider, endpoints } = fake
        return { provider, endpoints, file, url, headers, text, body }
      })

      const list = join(folder, 'encounters.json')
      await writeFile(list, JSON.stringify(await Promise.all(encounters)))
      const program = startProgram(new URL('programs/meet.ts', import.meta.url), [list], runtime)
      const { ends, stray } = v.parse(report, await program.line())
      const seen = cases.map(({ name }, index) => [name, ends[index]])
      const expected = cases.map(({ name, fault }) => [name, expect.stringMatching(fault.ends)])
      expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected))
      expect(stray).toEqual([])
      // No timer, socket or listener holds the process.
      expect(await program.ended()).toBe(0)
    },
    LONGEST_MS,
  )
})
