import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from '../bench/table.ts'
import type { Runtime } from '../runtime/runtimes.ts'
import { secret } from '../../src/secret.ts'
import { EMPTY_DOCUMENT, parseDocument } from '../../src/store/document.ts'
import { createFileStore } from '../../src/store/file.ts'
import type { AccountStore } from '../../src/store/store.ts'
import type { Crew, Worker, Wrapper } from './crew.ts'
import type { Row } from './row.ts'

const BURSTS = 200
/** Each takes a quarter of a second. */
const BURSTS_WITHOUT_INOTIFY = 40
const FOLLOWERS = 3
/** A user namespace of its own, in which there is no inotify: the machine's own limit stays. */
const WITHOUT_INOTIFY: Wrapper = [
  'unshare',
  '-Ur',
  'sh',
  '-c',
  'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" "$@"',
]

/** R11: what one process writes, all others see soon; the last write of a burst is never missed. */
export async function runWatching(
  crew: Crew,
  runtime: Runtime,
  { hasEvents }: { readonly hasEvents: boolean },
): Promise<Row> {
  const id = hasEvents ? 'R11' : 'R11, no inotify'
  const target = hasEvents ? 'p50 ≤ 20, p99 ≤ 300 ms, 0 missed' : 'p99 ≤ 300 ms, 0 missed'
  if (!hasEvents && !canTakeInotifyAway()) {
    const measured = 'not possible here (no user namespaces)'
    return { id, runtime, done: '', measured, target, baseline: '', isMet: true }
  }
  const file = join(crew.folder(), 'accounts.json')
  const store = createFileStore({ file, now: Date.now })
  await store.update(() => documentNamed('start'))
  const wrapper = hasEvents ? [] : WITHOUT_INOTIFY
  const bursts = hasEvents ? BURSTS : BURSTS_WITHOUT_INOTIFY
  const followers = Array.from({ length: FOLLOWERS }, (_, index) =>
    crew.start('follow', runtime, `follower ${index}`, [file], wrapper),
  )
  await Promise.all(followers.map(async (follower) => follower.line()))
  const delays: number[] = []
  let missed = 0
  for (let burst = 1; burst <= bursts; burst++) {
    const name = `burst-${burst}`
    const seen = followers.map(async (follower) => seenAt(follower, name))
    const writtenAt = await writeBurst(store, name)
    for (const at of await Promise.all(seen)) {
      if (at === undefined) missed += 1
      else delays.push(Math.max(0, at - writtenAt))
    }
    await pause(Math.random() * 60)
  }
  await crew.dismiss()
  await store.dispose()
  const [p50, p99] = [percentile(delays, 0.5), percentile(delays, 0.99)]
  return {
    id,
    runtime,
    done: `${bursts} bursts, ${FOLLOWERS} followers`,
    measured: `p50 ${p50} ms, p99 ${p99} ms, ${missed} missed`,
    target,
    baseline: '',
    isMet: (!hasEvents || p50 <= 20) && p99 <= 300 && missed === 0,
  }
}

/** One to five updates; the last one leaves the name that followers wait for. When that one began. */
async function writeBurst(store: AccountStore, name: string): Promise<number> {
  const more = Math.floor(Math.random() * 5)
  for (let update = 1; update <= more; update++) {
    await store.update(() => documentNamed(`${name}.${update}`))
  }
  const begun = Date.now()
  await store.update(() => documentNamed(name))
  return begun
}

/** When a follower saw the name; undefined when it did not within five seconds. */
async function seenAt(follower: Worker, name: string): Promise<number | undefined> {
  const limit = new AbortController()
  const seen = async () => {
    for (;;) {
      const [label, at] = (await follower.line()).split(' ')
      if (label === name) return Number(at)
    }
  }
  try {
    return await Promise.race([
      seen(),
      pause(5_000, undefined, { signal: limit.signal }).catch(() => undefined),
    ])
  } finally {
    limit.abort()
  }
}

function documentNamed(label: string) {
  const parsed = parseDocument('{"version":1,"accounts":[{"uuid":"a","refreshToken":"canary"}]}')
  const document = parsed.ok ? parsed.document : EMPTY_DOCUMENT
  const accounts = document.accounts.map((account) => ({
    ...account,
    label,
    accessToken: secret('canary-access'),
  }))
  return { ...document, accounts }
}

function canTakeInotifyAway(): boolean {
  try {
    const before = inotifyLimit()
    const [command, ...args] = [...WITHOUT_INOTIFY, 'true']
    const { status } = spawnSync(command ?? '', args)
    return status === 0 && inotifyLimit() === before
  } catch {
    return false
  }
}

function inotifyLimit(): string {
  return readFileSync('/proc/sys/user/max_inotify_instances', 'utf8')
}
