import { describe, expect, it, vi } from 'vitest'
import type { ClaimStore } from '../../src/store/claims.ts'

/** One place for claims, and a clock that is moved by hand. */
export interface ClaimsPlace {
  /** Opens the place as a process of its own. */
  readonly open: () => ClaimStore
  readonly pass: (ms: number) => void
}

/** What every `ClaimStore` does. `createPlace` makes a new, empty place for each test. */
export function describeClaimStore(name: string, createPlace: () => ClaimsPlace): void {
  describe(`${name} as a claim store`, () => {
    it('holds nothing at first', async () => {
      const store = createPlace().open()
      expect(await store.read()).toEqual([])
      await store.dispose()
    })

    it('shows a process what others hold, and not what it holds itself', async () => {
      const { open } = createPlace()
      const [one, other] = [open(), open()]
      expect(await one.write([held('a', 2), held('b', 0)])).toEqual({ ok: true })
      expect(await one.read()).toEqual([])
      expect(accounts(await other.read())).toEqual(['a', 'b'])
      expect(await other.read()).toMatchObject([{ inFlight: 2 }, { inFlight: 0 }])
    })

    it('names the process that holds a lease, and tells processes apart', async () => {
      const { open } = createPlace()
      const [one, other, witness] = [open(), open(), open()]
      await one.write([held('a'), held('b')])
      await other.write([held('b')])
      const leases = await witness.read()
      expect(leases.map(({ holder }) => holder?.pid)).toEqual(leases.map(() => expect.any(Number)))
      const keysOf = (account: string) =>
        leases.filter((lease) => lease.account === account).map(({ holder }) => holder?.key)
      expect(new Set(keysOf('b')).size).toBe(2)
      expect(keysOf('b')).toContain(keysOf('a')[0])
    })

    it('replaces with each write all that the process holds, and nothing of others', async () => {
      const { open } = createPlace()
      const [one, other, witness] = [open(), open(), open()]
      await one.write([held('a'), held('b')])
      await other.write([held('b'), held('c')])
      await one.write([held('d')])
      expect(accounts(await witness.read())).toEqual(['b', 'c', 'd'])
    })

    it('keeps a lease for a minute after each write, and not longer', async () => {
      const { open, pass } = createPlace()
      const [one, other] = [open(), open()]
      await one.write([held('a')])
      pass(50_000)
      await one.write([held('a')])
      pass(59_999)
      expect(accounts(await other.read())).toEqual(['a'])
      pass(1)
      expect(await other.read()).toEqual([])
    })

    it('gives back what the process holds, and nothing else', async () => {
      const { open } = createPlace()
      const [one, other, witness] = [open(), open(), open()]
      await one.write([held('a')])
      await other.write([held('a'), held('b')])
      await one.release()
      await one.release()
      expect(accounts(await witness.read())).toEqual(['a', 'b'])
      await other.release()
      expect(await witness.read()).toEqual([])
    })

    it('gives back a write that is still on its way', async () => {
      const { open } = createPlace()
      const [one, witness] = [open(), open()]
      await Promise.all([one.write([held('a')]), one.release()])
      expect(await witness.read()).toEqual([])
    })

    it('loses none of many writes made at the same time', async () => {
      const { open } = createPlace()
      const names = Array.from({ length: 8 }, (_, index) => `account-${index}`)
      await Promise.all(names.map(async (account) => open().write([held(account)])))
      expect(accounts(await open().read())).toEqual(names)
    })

    it('tells a watcher that leases changed, and that they were given back', async () => {
      const { open } = createPlace()
      const [one, other] = [open(), open()]
      const heard = vi.fn<() => void>()
      other.watch(heard)
      await one.write([held('a')])
      await vi.waitFor(() => expect(heard).toHaveBeenCalled(), WAIT)
      heard.mockClear()
      await one.release()
      await vi.waitFor(() => expect(heard).toHaveBeenCalled(), WAIT)
      await Promise.all([one.dispose(), other.dispose()])
    })

    it('tells nothing after the watch was stopped or the store disposed of', async () => {
      const { open } = createPlace()
      const [stopped, disposed, witness, writer] = [open(), open(), open(), open()]
      const silent = vi.fn<() => void>()
      const heard = vi.fn<() => void>()
      stopped.watch(silent)()
      disposed.watch(silent)
      witness.watch(heard)
      await disposed.dispose()
      await disposed.dispose()
      await writer.write([held('a')])
      await vi.waitFor(() => expect(heard).toHaveBeenCalled(), WAIT)
      expect(silent).not.toHaveBeenCalled()
      await Promise.all([stopped, witness, writer].map(async (store) => store.dispose()))
    })
  })
}

const WAIT = { timeout: 5_000, interval: 5 }

function held(account: string, inFlight = 1) {
  return { account, inFlight }
}

function accounts(leases: Awaited<ReturnType<ClaimStore['read']>>): readonly string[] {
  return leases.map(({ account }) => account).toSorted()
}
