import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Runtime } from '../runtime/runtimes.ts'
import { createFileStore } from '../../src/store/file.ts'
import { type FinalCounters, checkMutations } from './check.ts'
import { ownCounter, sharedCounter } from './counters.ts'
import type { Crew, Worker } from './crew.ts'
import { readHistories } from './history.ts'
import { startMonkey } from './monkey.ts'
import type { Row } from './row.ts'

const RUN_MS = 60_000
/** Longer than a lock lives without a sign of its holder. */
const STOP_MS = 15_500
/** So many that eight are awake while the others sleep through their locks. */
const WORKERS = 40
const AWAKE = 8

/** R1: no confirmed update is lost, whoever is killed or stopped. */
export async function runMutations(crew: Crew, runtime: Runtime): Promise<Row> {
  const folder = crew.folder()
  const file = join(folder, 'accounts.json')
  const histories = join(folder, 'histories')
  const names = Array.from({ length: WORKERS }, (_, index) => `w${index}`)
  mkdirSync(histories)
  writeFileSync(file, JSON.stringify({ version: 1, accounts: [ACCOUNT] }), { mode: 0o600 })
  let starts = 0
  const start = (name: string) => {
    starts += 1
    const args = [file, name, join(histories, `${name}.${starts}.jsonl`)]
    return crew.start('mutate', runtime, `${name}.${starts}`, args)
  }
  const workers = new Map<string, Worker>(names.map((name) => [name, start(name)]))
  await Promise.all([...workers.values()].map(async (worker) => worker.line()))
  const before = countAcks(histories)
  const monkey = startMonkey(
    workers,
    {
      killEveryMs: 1_050,
      // The sleepers sleep out: a stop that a kill ends was not longer than a lock lives.
      kills: 'awake',
      stopEveryMs: 280,
      stopForMs: () => STOP_MS,
      awake: AWAKE,
    },
    start,
  )
  await pause(RUN_MS)
  const acks = countAcks(histories) - before
  await monkey.rest()
  for (const worker of workers.values()) worker.tell('end')
  await Promise.all([...workers.values()].map(async ({ ended }) => ended))
  const violations = checkMutations(readHistories(histories), await countersOf(file, names))
  for (const violation of violations.slice(0, 10)) process.stdout.write(`  R1: ${violation}\n`)
  const isEnough = acks >= 8_000 && monkey.kills() >= 50 && monkey.stops() >= 80
  return {
    id: 'R1',
    runtime,
    done: `${acks} updates in 60 s, ${monkey.kills()} kills, ${monkey.stops()} stops of 15.5 s`,
    measured: `${violations.length} lost`,
    target: '0 lost of ≥ 8000, ≥ 50 kills, ≥ 80 stops',
    baseline: '',
    isMet: violations.length === 0 && isEnough,
  }
}

const ACCOUNT = { uuid: 'a', refreshToken: 'canary', addedAt: 1, lastUsed: 0 }

function countAcks(folder: string): number {
  return readHistories(folder)
    .flatMap(({ events }) => events)
    .filter(({ kind }) => kind === 'ack').length
}

async function countersOf(file: string, names: readonly string[]): Promise<FinalCounters> {
  const result = await createFileStore({ file, now: Date.now }).read()
  if (!result.ok) return { shared: 0, own: {} }
  const { document } = result
  const own = Object.fromEntries(names.map((name) => [name, ownCounter(document, name)]))
  return { own, shared: sharedCounter(document) }
}
