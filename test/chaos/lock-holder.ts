import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Runtime } from '../runtime/runtimes.ts'
import type { Crew } from './crew.ts'
import type { Row } from './row.ts'

const TIMES = 15

/** R13: after the holder of the lock was killed, the next update does not wait for its lock to age. */
export async function runLockHolder(crew: Crew, runtime: Runtime): Promise<Row> {
  const file = join(crew.folder(), 'accounts.json')
  writeFileSync(file, '{"version":1,"accounts":[]}', { mode: 0o600 })
  const next = crew.start('update', runtime, 'next', [file])
  await next.line()
  let longest = 0
  for (let count = 1; count <= TIMES; count++) {
    const holder = crew.start('hold-lock', runtime, 'holder', [file])
    await holder.line()
    holder.kill()
    next.tell(`update ${count}`)
    longest = Math.max(longest, Number(await next.line()))
    await holder.ended
  }
  return {
    id: 'R13',
    runtime,
    done: `${TIMES} lock holders killed`,
    measured: `next update ≤ ${longest} ms`,
    target: '≤ 1000 ms',
    baseline: '',
    isMet: longest <= 1_000,
  }
}
