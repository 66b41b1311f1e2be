import { createInterface } from 'node:readline'
import { createAccountPool } from '../../../src/account-pool.ts'

/**
 * Leaves streams of a fake elsewhere in each way there is, prints a line, and stays: what is still
 * open at the fake then is open for good. The first line of stdin: the fake's endpoints and accounts, as JSON.
 */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { value: line } = await lines.next()
const { endpoints, accounts } = JSON.parse(line)
const pool = createAccountPool({
  provider: 'anthropic',
  accounts,
  settings: { endpoints },
})
await pool.ready

const cancelled = await ask('shown')
await cancelled.body?.cancel()

const read = (await ask('shown')).body?.getReader()
await read?.read()
await read?.cancel()

const reading = new AbortController()
const aborted = (await ask('shown', reading.signal)).text().catch(() => {})
reading.abort()
await aborted

const holding = new AbortController()
const held = ask('silent', holding.signal).catch(() => {})
setTimeout(() => holding.abort(), 100)
await held

const failed = await ask('fails')
process.stdout.write(`${failed.status}\n`)
setInterval(() => {}, 1_000)

function ask(conversation: string, signal?: AbortSignal): Promise<Response> {
  return pool.fetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'x-session-id': conversation,
    },
    body: JSON.stringify({
      model: 'claude-sonnet-4-5',
      max_tokens: 64,
      stream: true,
      messages: [{ role: 'user', content: 'hello' }],
    }),
    ...(signal === undefined ? {} : { signal }),
  })
}
