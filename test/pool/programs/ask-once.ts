/**
 * One OpenCode process: opens the pool, sends a prompt of its own conversation, and prints the
 * account it went to. Then it stays open, idle, until it is killed. Arguments: the accounts file,
 * the settings as JSON.
 */
import * as v from 'valibot'
import { createAccountPool } from '../../../src/account-pool.ts'

const [file = '', text = '{}'] = process.argv.slice(2)
const settings = v.parse(v.record(v.string(), v.unknown()), JSON.parse(text))
const pool = createAccountPool({ provider: 'anthropic', file, settings })
pool.subscribe((news) => {
  if (news.type === 'request.assigned') console.log(news.label)
})
const response = await pool.fetch('https://api.anthropic.com/v1/messages', {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-session-affinity': `of ${process.pid}` },
  body: JSON.stringify({
    model: 'claude-sonnet-4-5',
    max_tokens: 64,
    messages: [{ role: 'user', content: 'hello' }],
  }),
})
await response.text()
setInterval(() => {}, 60_000)
