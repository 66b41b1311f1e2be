/** For each line it is told: updates the accounts file once, and prints how many ms that took. */
import { createInterface } from 'node:readline'
import { createFileStore } from '../../../src/store/file.ts'

const [file = ''] = process.argv.slice(2)
const store = createFileStore({ file, now: Date.now })
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const begun = performance.now()
  const { ok } = await store.update((document) => ({ ...document, extra: { line } }))
  console.log(ok ? Math.ceil(performance.now() - begun) : Infinity)
}
