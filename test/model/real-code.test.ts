import { describe, expect, it, vi } from 'vitest'
import { trustNobody } from './real/owners.ts'
import { type Run, runProcesses } from './real/processes.ts'
import type { Deviation } from './real/schedule.ts'

vi.mock('node:fs/promises', async () => (await import('./real/disk.ts')).disk)
vi.mock('node:timers/promises', async () => {
  const { turn } = await import('./real/schedule.ts')
  return { setTimeout: () => turn('looks again later', true) }
})
vi.mock('../../src/store/owner.ts', async (original) => ({
  ...(await original<object>()),
  ...(await import('./real/owners.ts')),
}))

interface Limits {
  readonly processes: number
  /** Times that another process goes on although the one before it could. */
  readonly switches: number
  readonly kills: number
}

/** About a thousand runs each. `MODEL=large` takes one switch more. */
const MORE = process.env['MODEL'] === 'large' ? 1 : 0
const SLOW_MS = 120_000

const LIMITS: readonly Limits[] = [
  { processes: 2, switches: 2 + MORE, kills: 0 },
  { processes: 2, switches: 1 + MORE, kills: 1 },
  { processes: 3, switches: 2 + MORE, kills: 0 },
  { processes: 3, switches: 1 + MORE, kills: 1 },
]

describe('the real steps of a renewal, one file operation at a time', () => {
  it.each(LIMITS)(
    'spend one token once: $processes processes, $switches switches, $kills kills',
    async (limits) => {
      const { runs, fault } = await tryAll(limits)
      expect(fault).toBeUndefined()
      expect(runs).toBeGreaterThan(100)
    },
    SLOW_MS,
  )

  it('would be caught if a living owner were taken for dead', async () => {
    trustNobody(true)
    const { fault } = await tryAll({ processes: 2, switches: 1, kills: 0 }, ({ reuses }) =>
      reuses > 0 ? 'spent twice' : undefined,
    )
    trustNobody(false)
    expect(fault?.[0]).toBe('spent twice')
  })
})

function faultOf(run: Run): string | undefined {
  const { outcomes, exchanges, reuses, killedInWindow } = run
  if (outcomes.includes(undefined)) return 'a process does not end'
  if (reuses > killedInWindow) return 'a spent token was sent again without a cause'
  if (exchanges > 1 + killedInWindow) return 'a fresh token was renewed'
  if (killedInWindow > 0) return undefined
  if (outcomes.some((outcome) => outcome?.kind !== 'renewed')) return 'a process has no token'
  return run.stored === run.current ? undefined : 'the newest token is not stored'
}

/** Runs every order of steps within the limits. `fault`: the first one found, and how. */
async function tryAll(limits: Limits, judge = faultOf) {
  let runs = 0
  const open: Deviation[][] = [[]]
  for (let deviations = open.shift(); deviations !== undefined; deviations = open.shift()) {
    const run = await runProcesses(limits.processes, deviations)
    runs += 1
    const fault = judge(run)
    if (fault !== undefined) return { runs, fault: [fault, ...run.steps] }
    open.push(...furtherDeviations(limits, deviations, run))
  }
  return { runs, fault: undefined }
}

function furtherDeviations(limits: Limits, deviations: Deviation[], run: Run): Deviation[][] {
  const used = (kind: Deviation['kind']) => deviations.filter((one) => one.kind === kind).length
  const maySwitch = used('switch') < limits.switches
  const mayKill = used('kill') < limits.kills
  const first = (deviations.at(-1)?.at ?? -1) + 1
  return run.choices.flatMap((canSwitch, at) => {
    if (at < first) return []
    const further: Deviation[][] = []
    if (maySwitch && canSwitch) further.push([...deviations, { at, kind: 'switch' }])
    if (mayKill) further.push([...deviations, { at, kind: 'kill' }])
    return further
  })
}
