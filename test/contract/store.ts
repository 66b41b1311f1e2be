import { describe, expect, it, vi } from 'vitest'
import type { AccountStore } from '../../src/store/store.ts'
import { adding, uuids } from '../store/examples.ts'

/** Opens stores on one place, as several processes do. The first call finds the place empty. */
export type OpenStore = () => AccountStore

/** What every `AccountStore` does. `createPlace` makes a new, empty place for each test. */
export function describeAccountStore(name: string, createPlace: () => OpenStore): void {
  describe(`${name} as an account store`, () => {
    it('reads a place where nothing was kept yet as an empty document', async () => {
      const store = createPlace()()
      expect(await store.read()).toMatchObject({
        ok: true,
        document: { rev: 0, accounts: [], rejected: [] },
      })
      await store.dispose()
    })

    it('gives back the document as written, one revision later', async () => {
      const store = createPlace()()
      const first = await store.update(adding('one'))
      const second = await store.update(adding('two'))
      expect(first).toMatchObject({ ok: true, document: { rev: 1 } })
      expect(second).toMatchObject({ ok: true, document: { rev: 2 } })
      expect(uuids(await store.read())).toEqual(['one', 'two'])
      await store.dispose()
    })

    it('keeps the tokens usable', async () => {
      const open = createPlace()
      const [writer, reader] = [open(), open()]
      const written = await writer.update(adding('one'))
      const read = await reader.read()
      const token = (result: typeof read) =>
        result.ok ? result.document.accounts[0]?.refreshToken.reveal() : undefined
      expect(token(read)).toBe(token(written))
      expect(token(read)).toMatch(/^canary/)
      await Promise.all([writer.dispose(), reader.dispose()])
    })

    it('writes nothing when the change gives its argument back', async () => {
      const open = createPlace()
      const [store, other] = [open(), open()]
      await store.update(adding('one'))
      await other.read()
      expect(await store.update((document) => document)).toMatchObject({
        ok: true,
        document: { rev: 1 },
      })
      expect(other.changed()).toBe(false)
      await Promise.all([store.dispose(), other.dispose()])
    })

    it('loses none of many updates made at the same time', async () => {
      const open = createPlace()
      const stores = [open(), open(), open()]
      const names = Array.from({ length: 30 }, (_, index) => `account-${index}`)
      const updates = stores.flatMap((store, index) =>
        names.slice(index * 10, index * 10 + 10).map(async (uuid) => store.update(adding(uuid))),
      )
      await Promise.all(updates)
      const result = await open().read()
      expect(uuids(result).toSorted()).toEqual(names.toSorted())
      expect(result).toMatchObject({ document: { rev: 30 } })
      await Promise.all(stores.map(async (store) => store.dispose()))
    })

    it('leaves the document alone when the change throws, and goes on', async () => {
      const store = createPlace()()
      await store.update(adding('one'))
      const bug = new Error('a bug in the change')
      await expect(
        store.update(() => {
          throw bug
        }),
      ).rejects.toBe(bug)
      expect(uuids(await store.update(adding('two')))).toEqual(['one', 'two'])
      await store.dispose()
    })

    it('says that it changed until it is read, and not after its own writes', async () => {
      const open = createPlace()
      const [store, other] = [open(), open()]
      expect(store.changed()).toBe(true)
      await store.read()
      expect(store.changed()).toBe(false)
      await other.update(adding('one'))
      expect(store.changed()).toBe(true)
      await store.read()
      expect(store.changed()).toBe(false)
      await store.update(adding('two'))
      expect(store.changed()).toBe(false)
      await Promise.all([store.dispose(), other.dispose()])
    })

    it('tells a watcher of the changes of others, not of its own', async () => {
      const open = createPlace()
      const [store, other] = [open(), open()]
      await store.read()
      const heard = vi.fn<() => void>()
      store.watch(heard)
      await store.update(adding('own'))
      expect(heard).not.toHaveBeenCalled()
      await other.update(adding('foreign'))
      await vi.waitFor(() => expect(heard).toHaveBeenCalledOnce(), WAIT)
      expect(uuids(await store.read())).toEqual(['own', 'foreign'])
      await Promise.all([store.dispose(), other.dispose()])
    })

    it('tells nothing after the watch was stopped or the store disposed of', async () => {
      const open = createPlace()
      const [stopped, disposed, witness, writer] = [open(), open(), open(), open()]
      const silent = vi.fn<() => void>()
      const heard = vi.fn<() => void>()
      stopped.watch(silent)()
      disposed.watch(silent)
      witness.watch(heard)
      await disposed.dispose()
      await disposed.dispose()
      await writer.update(adding('one'))
      await vi.waitFor(() => expect(heard).toHaveBeenCalled(), WAIT)
      expect(silent).not.toHaveBeenCalled()
      await Promise.all([stopped, witness, writer].map(async (store) => store.dispose()))
    })
  })
}

const WAIT = { timeout: 5_000, interval: 5 }
