/** A pool that sends nothing. Prints every new name of its first account, and when it was seen. */
import { createAccountPool } from '../../../src/account-pool.ts'

// With its runner.
process.stdin.once('end', () => process.exit()).resume()
const [file = ''] = process.argv.slice(2)
const pool = createAccountPool({
  provider: 'anthropic',
  file,
  settings: { proactive_refresh: false },
})
await pool.ready
let seen = ''
console.log('ready')
for (;;) {
  const label = pool.status().accounts[0]?.label ?? ''
  if (label !== seen) console.log(`${label} ${Date.now()}`)
  seen = label
  await new Promise((resolve) => setTimeout(resolve, 1))
}
