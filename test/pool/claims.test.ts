import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { assemble } from '../../src/assemble.ts'
import type { Settings, Strategy } from '../../src/config/schema.ts'
import { defaultSettings } from '../../src/config/settings.ts'
import { createClaims } from '../../src/pool/claims.ts'
import { createHotStates } from '../../src/pool/hot.ts'
import { providers } from '../../src/provider/providers.ts'
import type { ClaimStore } from '../../src/store/claims.ts'
import { createFileClaims } from '../../src/store/file-claims.ts'
import { createFileStore } from '../../src/store/file.ts'
import {
  type MemoryClaimsPlace,
  createMemoryClaims,
  createMemoryClaimsPlace,
} from '../../src/store/memory-claims.ts'
import { createMemoryJournal } from '../../src/store/memory-journal.ts'
import { newOwnerRecord } from '../../src/store/owner.ts'
import { realWorld } from '../../src/world.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { type OpenPool, openPool } from '../request/open-pool.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'
import { createMachineTime } from './machine-time.ts'

const WAIT = { timeout: 10_000, interval: 10 }
const STRATEGIES: readonly Strategy[] = ['sticky', 'round-robin', 'hybrid']
const uncaught: unknown[] = []
const note = (error: unknown) => uncaught.push(error)

describe('claims of a pool', () => {
  let fake: Awaited<ReturnType<typeof createFakeAnthropic>>
  const open: OpenPool[] = []

  beforeEach(async () => {
    fake = await createFakeAnthropic({ accounts: ['a', 'b'] })
  })

  afterEach(async () => {
    await Promise.all(open.splice(0).map((pool) => pool.close()))
    await fake.close()
  })

  it('are seen while a request runs and after it, and given back at the end', async () => {
    const pool = await opened()
    await pool.ask()
    const neighbor = asAnother(pool)
    await vi.waitFor(async () => expect(await neighbor.read()).toHaveLength(1), WAIT)
    await pool.dispose()
    expect(await neighbor.read()).toEqual([])
  })

  it('write no file where there is one account, nothing to spread over', async () => {
    const alone = await createFakeAnthropic({ accounts: ['a'] })
    const pool = await openPool(alone)
    await pool.ask()
    // Another pool that begins later has written its own by now.
    const witness = await opened()
    await witness.ask()
    await vi.waitFor(() => expect(existsSync(claimsOf(witness))).toBe(true), WAIT)
    expect(existsSync(claimsOf(pool))).toBe(false)
    await pool.close()
    await alone.close()
  })

  it('write no file where they are switched off, and see no others', async () => {
    const pool = await opened({ cross_process_claims: false })
    await asAnother(pool).write([held(pool, 'a')])
    const before = readFileSync(claimsOf(pool), 'utf8')
    await pool.ask()
    await pool.dispose()
    expect(readFileSync(claimsOf(pool), 'utf8')).toBe(before)
    expect(pool.asked()).toEqual(['a'])
  })

  it.each(STRATEGIES)('lead a new conversation away from what others use: %s', async (strategy) => {
    const pool = await opened({ account_selection_strategy: strategy })
    await asAnother(pool).write([held(pool, 'a')])
    await vi.waitFor(() => expect(loadOf(pool, 'a')).toBe(1), WAIT)
    await pool.ask('one')
    expect(pool.asked()).toEqual(['b'])
  })

  it('are known before the first choice, however slowly they are read', async () => {
    const memory = createMemoryClaimsPlace()
    const [account = ''] = fake.seed().accounts.map(({ uuid }) => uuid)
    await createMemoryClaims(memory, Date.now).write([{ account, inFlight: 1 }])
    const claims = createMemoryClaims(memory, Date.now)
    const slow = new AbortController()
    const end = once(slow.signal, 'abort')
    const pool = await opened()
    const second = assemble({
      ...partsOf(pool, claims),
      claims: { ...claims, read: () => end.then(() => claims.read()) },
    })
    const [url, init] = pool.request()
    const asking = second.fetch(url, init)
    slow.abort()
    await (await asking).text()
    expect(pool.asked()).toEqual(['b'])
    await second.pool.dispose()
  })

  it('leave a running conversation at its home', async () => {
    const pool = await opened()
    await pool.ask('one')
    await asAnother(pool).write([held(pool, 'a')])
    await vi.waitFor(() => expect(loadOf(pool, 'a')).toBe(1), WAIT)
    await pool.ask('one')
    expect(pool.asked()).toEqual(['a', 'a'])
  })

  it('share the least loaded where everything is claimed', async () => {
    const pool = await opened()
    const neighbor = asAnother(pool)
    await neighbor.write([held(pool, 'a', 3), held(pool, 'b', 2)])
    await vi.waitFor(() => expect(loadOf(pool, 'b')).toBe(2), WAIT)
    await pool.ask()
    expect(pool.asked()).toEqual(['b'])
  })

  it('follow the configuration: off gives back and forgets, on resumes', async () => {
    const pool = await opened()
    const neighbor = asAnother(pool)
    let settings: Settings = { ...defaultSettings(), endpoints: fake.endpoints }
    const claims = createFileClaims({ file: claimsOf(pool), now: Date.now })
    const second = assemble({ ...partsOf(pool, claims), settings: () => settings })
    await second.ready
    const ask = async () => {
      const [url, init] = pool.request()
      await (await second.fetch(url, init)).text()
    }
    await neighbor.write([held(pool, 'a')])
    await vi.waitFor(() => expect(usedElsewhere(second.pool.status())).toEqual([1, 0]), WAIT)
    await ask()
    await vi.waitFor(async () => expect(await neighbor.read()).toHaveLength(1), WAIT)
    settings = { ...settings, cross_process_claims: false }
    second.pool.settingsChanged()
    expect(usedElsewhere(second.pool.status())).toEqual([0, 0])
    await vi.waitFor(async () => expect(await neighbor.read()).toEqual([]), WAIT)
    settings = { ...settings, cross_process_claims: true }
    // The next request notices, should nobody tell of the change.
    await ask()
    await vi.waitFor(() => expect(usedElsewhere(second.pool.status())).toEqual([1, 0]), WAIT)
    await vi.waitFor(async () => expect(await neighbor.read()).toHaveLength(1), WAIT)
    await second.pool.dispose()
  })

  /** A second pool on the same accounts. */
  function partsOf(pool: OpenPool, claims: ClaimStore) {
    return {
      provider: providers.anthropic,
      store: createFileStore({ file: pool.file, now: Date.now }),
      journal: createMemoryJournal(),
      claims,
      world: realWorld(() => {}),
      settings: () => ({ ...defaultSettings(), endpoints: fake.endpoints }),
    }
  }

  async function opened(settings = {}) {
    const pool = await openPool(fake, settings)
    open.push(pool)
    return pool
  }
})

describe('claims that meet a fault', () => {
  beforeEach(() => void process.on('uncaughtException', note))
  afterEach(() => {
    process.off('uncaughtException', note)
    uncaught.length = 0
  })

  it('write nothing on a success of an account they hold already', async () => {
    const claims = start()
    claims.request('a')
    await claims.pass(50)
    expect(claims.writes()).toEqual([['a']])
    for (let request = 0; request < 100; request++) claims.request('a')
    await claims.pass(19_000)
    expect(claims.writes()).toHaveLength(1)
  })

  it('tell with each write what is in flight then', async () => {
    const claims = start()
    const end = claims.begin('a')
    claims.begin('a')
    await claims.pass(50)
    end()
    await claims.pass(20_000)
    expect(claims.inFlight()).toEqual([[2], [1]])
  })

  it('let an account go that was not used for a minute, but not one with a long request', async () => {
    const claims = start()
    claims.request('a')
    claims.begin('b')
    await claims.pass(50)
    for (let beat = 0; beat < 4; beat++) await claims.pass(20_000)
    expect(claims.writes().at(-1)).toEqual(['b'])
    expect(claims.writes()).toHaveLength(5)
  })

  it('say once, for whoever looks for it, that they cannot be written', async () => {
    const claims = start({ write: async () => ({ ok: false, detail: 'EROFS' }) })
    claims.request('a')
    for (let beat = 0; beat < 5; beat++) await claims.pass(20_000)
    expect(claims.said).toEqual([expect.stringMatching(/^debug .*EROFS$/)])
  })

  it.each(['read', 'write', 'release', 'watch', 'dispose'] as const)(
    'go on, or do without, when the step "%s" throws',
    async (step) => {
      const claims = start({
        [step]: () => {
          throw new Error('a fault of ours')
        },
      })
      claims.request('a')
      await claims.pass(20_050)
      claims.switchTo(false)
      claims.request('b')
      await claims.pass(50)
      await claims.dispose()
      expect(uncaught).toEqual([])
    },
  )

  it('are switched off by a fault of the machine itself, and count nobody any more', async () => {
    const warned = vi.spyOn(console, 'warn')
    const place = createMemoryClaimsPlace()
    const claims = start({}, place)
    await createMemoryClaims(place, claims.now).write([{ account: 'x', inFlight: 1 }])
    await claims.pass(0)
    expect(claims.loadOf('x')).toBe(1)
    claims.request('a')
    await claims.pass(50)
    expect(place.holders.size).toBe(2)
    claims.breakMachine()
    await claims.pass(20_000)
    expect(claims.loadOf('x')).toBe(0)
    expect(place.holders.size).toBe(1)
    expect(claims.said).toEqual([expect.stringContaining('a fault of ours')])
    claims.mend()
    claims.request('b')
    await claims.pass(20_000)
    await claims.dispose()
    expect(uncaught).toEqual([])
    // XState warns of an event for an actor that has stopped.
    expect(warned).not.toHaveBeenCalled()
    warned.mockRestore()
  })
})

describe.each(RUNTIMES)('processes in %s', (runtime) => {
  let fake: Awaited<ReturnType<typeof createFakeAnthropic>>
  let pool: OpenPool

  beforeEach(async () => {
    fake = await createFakeAnthropic({ accounts: ['a', 'b'] })
    pool = await openPool(fake)
  })

  afterEach(async () => {
    await pool.close()
    await fake.close()
  })

  it.each(STRATEGIES)(
    'spread over two accounts under %s',
    { timeout: 30_000 },
    async (strategy) => {
      const settings = { account_selection_strategy: strategy }
      const first = begin(settings)
      expect(await first.line()).toBe('a')
      await vi.waitFor(() => expect(loadOf(pool, 'a')).toBe(1), WAIT)
      const second = begin(settings)
      expect(await second.line()).toBe('b')
      await vi.waitFor(() => expect([loadOf(pool, 'a'), loadOf(pool, 'b')]).toEqual([1, 1]), WAIT)
    },
  )

  it.each(STRATEGIES)(
    'do not spread with claims switched off under %s',
    { timeout: 30_000 },
    async (strategy) => {
      const settings = { account_selection_strategy: strategy, cross_process_claims: false }
      expect(await begin(settings).line()).toBe('a')
      expect(await begin(settings).line()).toBe('a')
      expect(existsSync(claimsOf(pool))).toBe(false)
    },
  )

  it('leave no load behind when they are killed', { timeout: 30_000 }, async () => {
    const process = begin({})
    expect(await process.line()).toBe('a')
    await vi.waitFor(() => expect(loadOf(pool, 'a')).toBe(1), WAIT)
    process.child.kill('SIGKILL')
    await process.ended()
    // Its own first lease changes the file, and with that it looks at all of them again.
    await pool.ask()
    expect(pool.asked()).toEqual(['a', 'b'])
    await vi.waitFor(() => expect(loadOf(pool, 'a')).toBe(0), WAIT)
    await pool.ask('another conversation')
    expect(Object.keys(JSON.parse(readFileSync(claimsOf(pool), 'utf8')))).toHaveLength(1)
  })

  function begin(settings: Readonly<Record<string, unknown>>) {
    const text = JSON.stringify({ endpoints: fake.endpoints, ...settings })
    return startProgram(
      new URL('programs/ask-once.ts', import.meta.url),
      [pool.file, text],
      runtime,
    )
  }
})

function claimsOf({ folder }: OpenPool): string {
  return join(folder, 'multiauth-claims.json')
}

/** The claims of a process on another machine: nobody can tell whether it runs. */
function asAnother(pool: OpenPool): ClaimStore {
  const self = { ...newOwnerRecord(), host: 'elsewhere' }
  return createFileClaims({ file: claimsOf(pool), now: Date.now, self })
}

function held(pool: OpenPool, label: string, inFlight = 1) {
  const account = pool.status().accounts.find((each) => each.label === label)
  return { account: account?.id ?? '', inFlight }
}

function loadOf(pool: OpenPool, label: string): number | undefined {
  return pool.status().accounts.find((account) => account.label === label)?.usedElsewhere
}

function usedElsewhere(status: ReturnType<OpenPool['status']>): readonly number[] {
  return status.accounts.map((account) => account.usedElsewhere)
}

/** Claims over memory, with a clock that is moved by hand. */
function start(
  faults: Partial<ClaimStore> = {},
  place: MemoryClaimsPlace = createMemoryClaimsPlace(),
) {
  const time = createMachineTime()
  const hot = createHotStates()
  const said: string[] = []
  const memory = createMemoryClaims(place, time.now)
  const write = vi.fn<ClaimStore['write']>((mine) => memory.write(mine))
  let isWanted = true
  let isBroken = false
  const claims = createClaims({
    store: { ...memory, write, ...faults },
    hot: {
      ...hot,
      of(id) {
        if (isBroken) throw new Error('a fault of ours')
        return hot.of(id)
      },
    },
    clock: time.clock,
    world: { now: time.now, log: (level, message) => said.push(`${level} ${message}`) },
    wanted: () => isWanted,
  })
  claims.keepUp()

  function begin(id: string) {
    claims.keepUp()
    const end = hot.begin(id, false, time.now())
    claims.used(id)
    return end
  }

  return {
    said,
    begin,
    request: (id: string) => begin(id)(),
    now: time.now,
    async pass(ms: number) {
      time.pass(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
    switchTo: (on: boolean) => void (isWanted = on),
    breakMachine: () => void (isBroken = true),
    mend: () => void (isBroken = false),
    loadOf: (id: string) => hot.of(id).foreignLoad,
    writes: () => write.mock.calls.map(([mine]) => mine.map(({ account }) => account)),
    inFlight: () => write.mock.calls.map(([mine]) => mine.map(({ inFlight }) => inFlight)),
    dispose: () => claims.dispose(),
  }
}
