import { LEASE_MS } from '../../machines/leases.ts'
import type { LimitRecord } from '../../machines/limits.ts'
import type { Pool } from '../pool/pool.ts'
import type { AccountStatus } from '../pool/status.ts'
import { printable } from '../provider/message.ts'
import type { Usage } from '../provider/provider.ts'
import { nameIn } from './allow.ts'
import { asMachineActor, childrenOf } from './messages.ts'
import type { Notes } from './notes.ts'
import type { PoolPicture, ProcessPicture } from './picture.ts'
import { statePathsOf } from './state-paths.ts'

/** Who paints, and when. */
export interface Easel {
  readonly pid: number
  readonly now: () => number
}

type Painted = Pick<Pool, 'provider' | 'status' | 'inspection'>

/** One pool as it is now. */
export function paintPool(pool: Painted, notes: Notes, easel: Easel): PoolPicture {
  const { accounts, problem } = pool.status()
  const actors = actorsOf(pool)
  const statesOf = (name: string) => {
    const actor = actors.get(name)
    return actor === undefined ? [] : statePathsOf(actor)
  }
  return {
    provider: pool.provider.id,
    name: pool.provider.name,
    problem,
    accounts: accounts.map((account) => ({
      ...account,
      limits: account.limits.map(limitOf),
      usage: account.usage.map(usageOf),
      ...notes.of(account.id),
      states: [...statesOf(`account:${account.id}`), ...statesOf(`refresh:${account.id}`)],
    })),
    timeline: notes.timeline(),
    processes: [ownProcess(accounts, easel), ...otherProcesses(pool, accounts)],
  }
}

/** The text of a picture: no control characters, and nothing that looks like a token. */
export function textOf(picture: unknown): string {
  return JSON.stringify(picture, (_name, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  )
}

/** The accounts file may hold more beside these, and in them, and nobody knows what. */
function limitOf({ scope, window, until, source, observedAt }: LimitRecord): LimitRecord {
  return { scope: scopeOf(scope), window: nameIn(window), until, source, observedAt }
}

function usageOf({ window, usedPercent, resetsAt }: Usage): Usage {
  return { window: nameIn(window), usedPercent, resetsAt }
}

function scopeOf(scope: LimitRecord['scope']): LimitRecord['scope'] {
  return scope === 'account' ? scope : { family: nameIn(scope.family) }
}

function actorsOf({ inspection }: Painted) {
  return new Map(
    inspection.machines.flatMap((each) => {
      const root = asMachineActor(each.root())
      return root === undefined ? [] : childrenOf(root.getSnapshot())
    }),
  )
}

/** As a lease says it to the others: what it uses, and what it used a short while ago. */
function ownProcess(accounts: readonly AccountStatus[], { pid, now }: Easel): ProcessPicture {
  const used = accounts.filter(
    ({ inFlight, lastUsedAt }) => inFlight > 0 || now() - lastUsedAt < LEASE_MS,
  )
  return {
    pid,
    isThis: true,
    accounts: used.map(({ id, inFlight }) => ({ account: id, inFlight })),
  }
}

function otherProcesses(
  { inspection }: Painted,
  accounts: readonly AccountStatus[],
): readonly ProcessPicture[] {
  const ids = new Set(accounts.map(({ id }) => id))
  const processes = new Map<string, ProcessPicture>()
  for (const { account, inFlight, holder } of inspection.leases()) {
    if (holder === undefined || !ids.has(account)) continue
    const known = processes.get(holder.key)?.accounts ?? []
    processes.set(holder.key, {
      pid: holder.pid,
      isThis: false,
      accounts: [...known, { account, inFlight }],
    })
  }
  return [...processes.values()]
}
