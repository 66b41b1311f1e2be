/** Removes the lock of `file` all the time, as if nobody locked, until it is told to end. */
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [file = ''] = process.argv.slice(2)
const end = new AbortController()
createInterface({ input: process.stdin })
  .once('line', () => end.abort())
  .once('close', () => end.abort())
while (!end.signal.aborted) {
  rmSync(`${file}.lock`, { recursive: true, force: true })
  rmSync(`${file}.lock-owner`, { force: true })
  await new Promise((resolve) => setTimeout(resolve, 10))
}
console.log('removed')
process.exit()
