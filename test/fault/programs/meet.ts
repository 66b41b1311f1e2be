/** Sends the requests that a file lists, several at once; prints how each ended. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { createAccountPool } from '../../../src/account-pool.ts'
import { BODIES } from '../bodies.ts'
import { outcomeOf } from '../outcome.ts'

const encounters = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(
    v.object({
      body: v.string(),
      provider: v.picklist(['anthropic', 'openai']),
      file: v.string(),
      endpoints: v.record(v.string(), v.string()),
      url: v.string(),
      headers: v.record(v.string(), v.string()),
      text: v.string(),
    }),
  ),
)
/** What no caller could catch, and what a runtime complains of. */
const stray: string[] = []
process.on('unhandledRejection', (reason) => stray.push(`unhandled: ${String(reason)}`))
process.on('uncaughtException', (error) => stray.push(`uncaught: ${String(error)}`))
process.on('warning', ({ name, message }) => stray.push(`${name}: ${message}`))
/** One for all requests, as a library's user may have it: nothing may pile up on it. */
const { signal } = new AbortController()

const listed = v.parse(encounters, readFileSync(process.argv[2] ?? '', 'utf8'))
/** More would keep the disk so busy that renewals take longer than another account's patience. */
const AT_ONCE = 10
type Encounter = v.InferOutput<typeof encounters>[number]

async function meet({ provider, file, endpoints, url, headers, text, body }: Encounter) {
  const settings = { endpoints, max_wait_ms: 0 }
  const pool = createAccountPool({ provider, file, settings })
  const call = BODIES[body]?.(url, { method: 'POST', headers, signal }, text) ?? [url]
  const outcome = await outcomeOf(pool.fetch(...call))
  await pool.dispose()
  return outcome
}

const ends: string[] = []
const left = listed.entries()
async function meetNext(): Promise<void> {
  for (const [index, encounter] of left) ends[index] = await meet(encounter)
}
await Promise.all(Array.from({ length: AT_ONCE }, meetNext))
process.stdout.write(`${JSON.stringify({ ends, stray })}\n`)
