/**
 * Raises two counters of an accounts file with every update, its own and one that all share, and
 * writes down what it is about to do and what was confirmed. Ends when it is told to.
 */
import { createInterface } from 'node:readline'
import { createFileStore } from '../../../src/store/file.ts'
import type { StoreDocument } from '../../../src/store/store.ts'
import { ownCounter, sharedCounter } from '../counters.ts'
import { appendEvent } from '../history.ts'

const [file = '', name = '', history = ''] = process.argv.slice(2)
const store = createFileStore({ file, now: Date.now })
const end = new AbortController()
createInterface({ input: process.stdin })
  .once('line', () => end.abort())
  .once('close', () => end.abort())
console.log('ready')
for (let seq = 1; !end.signal.aborted;) {
  appendEvent(history, { kind: 'intent', seq })
  const result = await store.update((document) => ({
    ...document,
    accounts: document.accounts.map((each) => ({ ...each, lastUsed: each.lastUsed + 1 })),
    extra: withOwn(document.extra, ownCounter(document, name) + 1),
  }))
  // Who slept while it waited for the lock has waited too long when it wakes up.
  if (!result.ok && result.problem.code === 'busy') continue
  if (!result.ok) {
    console.error(`${name}: ${result.problem.message}`)
    break
  }
  const own = ownCounter(result.document, name)
  const shared = sharedCounter(result.document)
  appendEvent(history, { kind: 'ack', seq, own, shared })
  seq += 1
  // All of them waiting all the time would only measure the waiting.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
}
await store.dispose()
process.stdin.destroy()

function withOwn(extra: StoreDocument['extra'], own: number): StoreDocument['extra'] {
  return { ...extra, [`counter-${name}`]: own }
}
