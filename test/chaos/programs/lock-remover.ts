/** Removes the lock of `file` all the time: as if nobody locked. */
import { rmSync } from 'node:fs'

const [file = ''] = process.argv.slice(2)
console.log('ready')
for (;;) {
  rmSync(`${file}.lock`, { recursive: true, force: true })
  rmSync(`${file}.lock-owner`, { force: true })
  await new Promise((resolve) => setTimeout(resolve, 10))
}
