import { join } from 'node:path'
import type { Runtime } from '../runtime/runtimes.ts'
import { createFileStore } from '../../src/store/file.ts'
import type { Crew } from './crew.ts'
import type { Row } from './row.ts'

const TIMES = 15

/** R13: after the holder of the lock was killed, the next update does not wait for its lock to age. */
export async function runLockHolder(crew: Crew, runtime: Runtime): Promise<Row> {
  const file = join(crew.folder(), 'accounts.json')
  const store = createFileStore({ file, now: Date.now })
  await store.update((document) => ({ ...document, extra: { started: true } }))
  let longest = 0
  for (let count = 1; count <= TIMES; count++) {
    const holder = crew.start('hold-lock', runtime, 'holder', [file])
    await holder.line()
    holder.kill()
    await holder.ended
    const begun = performance.now()
    const result = await store.update((document) => ({ ...document, extra: { count } }))
    longest = result.ok ? Math.max(longest, performance.now() - begun) : Infinity
  }
  await store.dispose()
  return {
    id: 'R13',
    runtime,
    done: `${TIMES} lock holders killed`,
    measured: `next update ≤ ${Math.ceil(longest)} ms`,
    target: '≤ 1000 ms',
    baseline: '',
    isMet: longest <= 1_000,
  }
}
