/** Prints the accounts of `file` after each change by others, until one is called `end`. */
import { createFileStore } from '../../../src/store/file.ts'

const [file = ''] = process.argv.slice(2)
const store = createFileStore({ file, now: Date.now })
await store.read()
const ended = new Promise<void>((resolve) => {
  store.watch(() => void show(resolve))
})
console.log('watching')
const alive = setInterval(() => {}, 1_000)
await ended
clearInterval(alive)
await store.dispose()

async function show(end: () => void): Promise<void> {
  const result = await store.read()
  const uuids = result.ok ? result.document.accounts.map(({ uuid }) => uuid) : ['?']
  console.log(uuids.join(' '))
  if (uuids.includes('end')) end()
}
