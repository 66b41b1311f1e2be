import { createInterface } from 'node:readline'
import { createAccountPool } from '../../../src/account-pool.ts'

/**
 * A pool with the inspector on. Prints where it is. After a line on stdin it does what that says:
 * `dispose`, and prints that it is done, or nothing, and ends when nothing holds it.
 */
const NOWHERE = 'http://127.0.0.1:9/'
const lines = createInterface({ input: process.stdin })
const pool = createAccountPool({
  provider: 'anthropic',
  accounts: [
    { uuid: 'one', label: 'one', refreshToken: 'canary-rt-one', planTier: '' },
    { uuid: 'two', label: 'two', refreshToken: 'canary-rt-two', planTier: '' },
  ].map((account) => ({ ...account, addedAt: 0, lastUsed: 0, enabled: true })),
  // Nobody listens there: no account of this test is known to anybody.
  settings: { endpoints: { token: NOWHERE, usage: NOWHERE, profile: NOWHERE, api: NOWHERE } },
  inspect: true,
})
await pool.ready
process.stdout.write(`${await pool.inspector}\n`)
const { value: wish } = await lines[Symbol.asyncIterator]().next()
if (wish === 'dispose') {
  await pool.dispose()
  process.stdout.write('disposed\n')
}
lines.close()
process.stdin.destroy()
