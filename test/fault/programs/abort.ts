/**
 * Sends the requests that a file lists, and aborts each when it has come to its stage: by its own
 * sign, or when its name comes in on stdin. Prints what came of all of them.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import * as v from 'valibot'
import { createAccountPool } from '../../../src/account-pool.ts'
import { SIGNS } from '../stages.ts'

const requests = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(
    v.object({
      name: v.string(),
      sign: v.picklist(SIGNS),
      provider: v.picklist(['anthropic', 'openai']),
      file: v.string(),
      endpoints: v.record(v.string(), v.string()),
      url: v.string(),
      headers: v.record(v.string(), v.string()),
      text: v.string(),
    }),
  ),
)
type Listed = v.InferOutput<typeof requests>[number]

const stray: string[] = []
process.on('unhandledRejection', (reason) => stray.push(String(reason)))
const told = new Map<string, () => void>()
const lines = createInterface({ input: process.stdin })
lines.on('line', (name) => told.get(name)?.())

async function giveUp({ name, sign, provider, file, endpoints, url, headers, text }: Listed) {
  const pool = createAccountPool({ provider, file, settings: { endpoints } })
  await pool.ready
  const stop = new AbortController()
  const reason = { why: 'enough' }
  const abort = () => stop.abort(reason)
  if (sign === 'atOnce') abort()
  if (sign === 'told') told.set(name, abort)
  pool.subscribe(({ type }) => {
    if (sign === 'waiting' && type === 'request.waiting') abort()
  })
  const endless = new ReadableStream({ pull: abort }, { highWaterMark: 0 })
  const body = sign === 'bodyRead' ? { body: endless, duplex: 'half' as const } : { body: text }
  const outcome: unknown = await pool
    .fetch(url, { method: 'POST', headers, ...body, signal: stop.signal })
    .then((answer) => {
      if (sign === 'answered') abort()
      return answer.text()
    })
    .catch((error: unknown) => error)
  const [account] = pool.status().accounts
  await pool.dispose()
  return [
    name,
    { isSame: outcome === reason, inFlight: account?.inFlight, state: account?.state },
  ] as const
}

const listed = v.parse(requests, readFileSync(process.argv[2] ?? '', 'utf8'))
const ends = await Promise.all(listed.map(giveUp))
lines.close()
process.stdin.destroy()
process.stdout.write(`${JSON.stringify({ ends: Object.fromEntries(ends), stray })}\n`)
