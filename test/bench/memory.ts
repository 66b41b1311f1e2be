import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { poolOver } from './latency.ts'
import type { Row } from './table.ts'

const MANY = 1_000
const NOWHERE = { origin: 'http://127.0.0.1:9', close: async () => 0 }

/** What an account costs once it is in a pool: its machine, its facts, its tokens, its counters. */
export async function measureMemory(): Promise<Row[]> {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('this runtime cannot collect garbage')
  const heapWith = async (accounts: number) => {
    const pool = poolOver(NOWHERE, accounts)
    await pool.ready
    collect()
    const { heapUsed } = process.memoryUsage()
    await pool.dispose()
    return heapUsed
  }
  await heapWith(MANY)
  const one = await heapWith(1)
  const measured = ((await heapWith(MANY)) - one) / (MANY - 1) / 1_000
  return [{ what: 'memory of an account', measured, unit: 'kB', target: 10, bare: undefined }]
}
