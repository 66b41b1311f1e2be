/** Takes the lock of `file` and holds it until it is killed. */
import { withLock } from '../../../src/store/lock.ts'

// With its runner.
process.stdin.once('end', () => process.exit()).resume()
const [file = ''] = process.argv.slice(2)
await withLock(file, { deadlineMs: 10_000 }, async () => {
  console.log('held')
  await new Promise((resolve) => setTimeout(resolve, 600_000))
})
