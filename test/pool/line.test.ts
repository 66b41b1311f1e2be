import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newFacts } from '../../machines/facts.ts'
import type { AccountView } from '../../machines/view.ts'
import { createHotStates } from '../../src/pool/hot.ts'
import { type Place, createLine } from '../../src/pool/line.ts'
import { selectAccount } from '../../src/pool/select/select.ts'
import { realWorld } from '../../src/world.ts'

const HOUR = 3_600_000

describe('the line for a busy pool', () => {
  it('serves who came first, one request for one freed slot', async () => {
    const { line, queue, served, begin } = open({ accounts: ['a'], cap: 2 })
    const ends = [begin('a'), begin('a')]
    const waits = ['one', 'two', 'three'].map((name) => queue(name))
    ends[0]?.()
    await waits[0]
    await turn()
    expect(served).toEqual(['one on a'])
    ends[1]?.()
    await waits[1]
    expect(served).toEqual(['one on a', 'two on a'])
    line.close()
    expect(await waits[2]).toBe(false)
  })

  it('gives a freed slot to a conversation that lives there before one that came first', async () => {
    const { queue, served, begin } = open({ accounts: ['a', 'b'], cap: 1, homes: { late: 'b' } })
    const ends = { a: begin('a'), b: begin('b') }
    const waits = [queue('early'), queue('late')]
    ends.b()
    await waits[1]
    expect(served).toEqual(['late on b'])
    ends.a()
    await waits[0]
    expect(served).toEqual(['late on b', 'early on a'])
  })

  it('lets others go home past a request four times, and not a fifth time', async () => {
    const names = ['1', '2', '3', '4', '5', '6']
    const homes = Object.fromEntries(names.map((name) => [name, 'a']))
    const { queue, served, begin, endLast } = open({ accounts: ['a'], cap: 1, homes })
    begin('a')
    const waits = ['stranger', ...names].map((name) => queue(name))
    for (let round = 0; round < 7; round++) {
      endLast()
      await turn()
    }
    await Promise.all(waits)
    expect(served.map((each) => each.split(' ')[0])).toEqual([
      '1',
      '2',
      '3',
      '4',
      'stranger',
      '5',
      '6',
    ])
  })

  it('keeps the turn of a request that has to come back', async () => {
    const { line, queue, begin, served } = open({ accounts: ['a'], cap: 1 })
    const end = begin('a')
    const place = line.enter()
    const later = queue('later')
    const first = queue('first', place)
    end()
    await first
    expect(served).toEqual(['first on a'])
    line.close()
    await later
  })

  it('hands a slot on that was kept for a request that is over', async () => {
    const { line, begin, served, queue } = open({ accounts: ['a'], cap: 1 })
    const end = begin('a')
    const place = line.enter()
    const waiting = wait('gone', place)
    const next = queue('next')
    end()
    await waiting
    place.leave()
    place.leave()
    await next
    expect(served).toEqual(['next on a'])
  })

  it('rejects with the reason of an abort, and takes nothing with it', async () => {
    const { line, queue, begin, served } = open({ accounts: ['a'], cap: 1 })
    const end = begin('a')
    const stop = new AbortController()
    const settled = wait('stopped', line.enter(), stop.signal).catch((error: unknown) => error)
    const next = queue('next')
    const since = performance.now()
    stop.abort('enough')
    expect(await settled).toBe('enough')
    expect(performance.now() - since).toBeLessThan(50)
    end()
    await next
    expect(served).toEqual(['next on a'])
    const aborted = wait('late', line.enter(), AbortSignal.abort('before'))
    expect(await aborted.catch((error: unknown) => error)).toBe('before')
  })

  it('ends the wait after its time', async () => {
    const { line, begin } = open({ accounts: ['a'], cap: 1 })
    begin('a')
    const place = line.enter()
    expect(await wait('patient', place, undefined, 20)).toBe(true)
    expect(place.take()).toBeUndefined()
  })

  it('serves all when the cap is lifted, and sends on those who wait for something else', async () => {
    const { line, views, queue, begin, served, settings } = open({ accounts: ['a', 'b'], cap: 1 })
    begin('a')
    begin('b')
    const waits = ['one', 'two'].map((name) => queue(name))
    settings.cap = 0
    line.changed()
    await Promise.all(waits)
    expect(served).toHaveLength(2)
    settings.cap = 1
    const late = line.enter()
    const limited = queue('three', late)
    for (const [index, view] of views.entries()) views[index] = { ...view, state: 'rateLimited' }
    line.changed()
    expect(await limited).toBe(true)
    expect(served).toHaveLength(2)
  })

  it('serves everybody, never beyond the cap, whatever comes and goes', async () => {
    const request = fc.record({
      home: fc.constantFrom(undefined, 'a', 'b', 'c'),
      end: fc.constantFrom('ends', 'aborts'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (requests, cap) => {
          const homes = Object.fromEntries(requests.map(({ home }, at) => [`${at}`, home]))
          const pool = open({ accounts: ['a', 'b', 'c'], cap, homes })
          const stops = requests.map(() => new AbortController())
          const done = requests.map(async (_, at) => {
            await pool.run(`${at}`, stops[at]?.signal)
            return 'served'
          })
          for (const [at, { end }] of requests.entries()) if (end === 'aborts') stops[at]?.abort(at)
          const outcomes = await Promise.allSettled(done)
          for (const [at, outcome] of outcomes.entries()) {
            const isAborted = requests[at]?.end === 'aborts'
            expect(isAborted || outcome.status === 'fulfilled').toBe(true)
          }
          expect(pool.most()).toBeLessThanOrEqual(cap)
          expect(['a', 'b', 'c'].map((id) => pool.hot.of(id).inFlight)).toEqual([0, 0, 0])
        },
      ),
    )
  })
})

interface Options {
  readonly accounts: readonly string[]
  readonly cap: number
  readonly homes?: Readonly<Record<string, string | undefined>>
}

/** A line over real selection and real counters; what the pool does with both, and nothing else. */
function open({ accounts, cap, homes = {} }: Options) {
  const settings = { cap }
  const views: AccountView[] = accounts.map((id) => ({
    id,
    state: 'active',
    renewing: false,
    facts: newFacts(id),
  }))
  const hot = createHotStates()
  const served: string[] = []
  const world = realWorld(() => {})
  const ends: (() => void)[] = []
  let most = 0

  const select = (
    conversation: string,
    tried: ReadonlySet<string>,
    among: readonly AccountView[],
  ) =>
    selectAccount({
      views: among,
      hot: hot.of,
      strategy: 'sticky',
      softQuotaPercent: 100,
      family: undefined,
      home: homes[conversation],
      homeServedAt: 0,
      standIn: undefined,
      parentHome: undefined,
      active: undefined,
      maxInFlight: settings.cap,
      tried,
      now: Date.now(),
    })
  const line = createLine({
    views: () => views,
    view: (id) => views.find((view) => view.id === id),
    hasRoom: (id) => settings.cap === 0 || hot.of(id).inFlight < settings.cap,
    select: ({ traits, tried }, among) => select(traits.conversation ?? '', tried, among),
    homeOf: (conversation) => homes[conversation ?? ''],
    keep: (id) => hot.begin(id, false, 0),
    world,
  })

  function begin(id: string): () => void {
    const end = hot.begin(id, false, 0)
    most = Math.max(most, hot.of(id).inFlight)
    const over = () => {
      end()
      line.freed(id)
    }
    ends.push(over)
    return over
  }

  /** Waits once, and takes the slot that was kept. */
  async function queue(name: string, place = line.enter()): Promise<boolean> {
    const isOpen = await wait(name, place)
    const id = place.take()
    if (id !== undefined) {
      served.push(`${name} on ${id}`)
      begin(id)
    }
    return isOpen
  }

  /** One request from its beginning to its end, as the executor does it. */
  async function run(name: string, signal: AbortSignal | undefined): Promise<void> {
    const place = line.enter()
    try {
      for (;;) {
        signal?.throwIfAborted()
        const kept = place.take()
        const selection = select(name, new Set(), views)
        if (kept !== undefined && !(selection.ok && selection.id === kept)) line.freed(kept)
        if (!selection.ok) {
          await wait(name, place, signal)
          continue
        }
        const end = begin(selection.id)
        await turn()
        end()
        return
      }
    } finally {
      place.leave()
    }
  }

  return {
    line,
    hot,
    views,
    settings,
    served,
    queue,
    run,
    begin,
    /** Ends what began last. */
    endLast: () => ends.at(-1)?.(),
    most: () => most,
  }
}

function wait(name: string, place: Place, signal?: AbortSignal, ms = HOUR): Promise<boolean> {
  const traits = { conversation: name, parent: undefined, model: undefined }
  return place.wait({ traits, tried: new Set() }, ms, signal)
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
