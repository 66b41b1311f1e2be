import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  lutimesSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { releaseAllSync, withLock } from '../../src/store/lock.ts'
import { folderAt } from '../../src/store/lock-folder.ts'
import { type OwnerRecord, newOwnerRecord } from '../../src/store/owner.ts'
import { contents, temporaryFolder } from './examples.ts'
import { startProgram } from '../runtime/program.ts'

const SOON = { deadlineMs: 200 }
const PATIENT = { deadlineMs: 10_000 }
const LONG_AGO = new Date(Date.now() - 60_000)
const TOMORROW = new Date(Date.now() + 86_400_000)

const newFile = () => join(temporaryFolder(), 'file')

const makeFolder = (path: string) => mkdirSync(path)
const makeFile = (path: string) => writeFileSync(path, '')
const makeLink = (path: string) => symlinkSync('nowhere', path)
function makeFull(path: string): void {
  mkdirSync(join(path, 'more'), { recursive: true })
  writeFileSync(join(path, 'more', '.DS_Store'), '')
}

/** The lock of another process, as it makes it. */
function makeOwned(file: string, owner: Partial<OwnerRecord>): OwnerRecord {
  mkdirSync(`${file}.lock`)
  const record = { ...newOwnerRecord(), ...owner, folder: folderAt(`${file}.lock`) }
  writeFileSync(`${file}.lock-owner`, JSON.stringify(record))
  return record
}

const neverRun = async () => expect.unreachable()

describe('a lock', () => {
  it('gives back what the work gives, and leaves nothing over', async () => {
    const folder = temporaryFolder()
    const result = await withLock(join(folder, 'file'), SOON, async () => {
      expect(readdirSync(folder)).toEqual(['file.lock', 'file.lock-owner'])
      return 'value'
    })
    expect(result).toEqual({ ok: true, value: 'value' })
    expect(contents(folder)).toEqual({})
  })

  it('lets callers of one process in one at a time, in their order', async () => {
    const file = newFile()
    const seen: string[] = []
    const work = async (name: string) =>
      withLock(file, PATIENT, async () => {
        seen.push(`${name} in`)
        await new Promise(setImmediate)
        seen.push(`${name} out`)
      })
    await Promise.all([work('a'), work('b'), work('c')])
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  it('does not keep the callers of one file waiting for another', async () => {
    const folder = temporaryFolder()
    const inner = await withLock(join(folder, 'a'), SOON, async () =>
      withLock(join(folder, 'b'), SOON, async () => 'both'),
    )
    expect(inner).toEqual({ ok: true, value: { ok: true, value: 'both' } })
  })

  it('rejects as the work does, and is free again', async () => {
    const file = newFile()
    const bug = new Error('a bug')
    await expect(withLock(file, SOON, async () => Promise.reject(bug))).rejects.toBe(bug)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: true })
  })

  it('is busy after the deadline, for callers of this process too', async () => {
    const file = newFile()
    await withLock(file, SOON, async () => {
      expect(await withLock(file, SOON, async () => 1)).toMatchObject({
        ok: false,
        reason: 'busy',
        detail: expect.stringContaining(`process ${process.pid}`),
      })
    })
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: true })
  })

  it('respects a lock that another program holds', async () => {
    const file = newFile()
    mkdirSync(`${file}.lock`)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: false, reason: 'busy' })
    rmdirSync(`${file}.lock`)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: true })
  })

  it('ends the wait with the reason of the signal, unchanged', async () => {
    const file = newFile()
    mkdirSync(`${file}.lock`)
    const control = new AbortController()
    const waits = [
      withLock(file, { ...PATIENT, signal: control.signal }, async () => 1),
      withLock(file, { ...PATIENT, signal: control.signal }, async () => 1),
    ]
    const reason = { any: 'object' }
    control.abort(reason)
    const ends = await Promise.allSettled(waits)
    expect(ends.map((end) => end.status === 'rejected' && end.reason)).toEqual([reason, reason])
    rmdirSync(`${file}.lock`)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: true })
  })

  it('never begins the work when the signal was aborted before', async () => {
    const signal = AbortSignal.abort('no')
    await expect(withLock(newFile(), { ...SOON, signal }, neverRun)).rejects.toBe('no')
  })

  it('cannot be taken where there is no folder for it', async () => {
    const result = await withLock(join(newFile(), 'file'), SOON, async () => 1)
    expect(result).toMatchObject({ ok: false, reason: 'unwritable' })
  })

  it('knows when it was lost, and leaves the lock of the new owner alone', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    await withLock(file, SOON, async (lock) => {
      expect(lock.held()).toBe(true)
      rmdirSync(`${file}.lock`)
      expect(lock.held()).toBe(false)
      mkdirSync(`${file}.lock`)
      expect(lock.held()).toBe(false)
    })
    expect(existsSync(`${file}.lock`)).toBe(true)
  })

  it('knows when another owner wrote its name beside it', async () => {
    const file = newFile()
    await withLock(file, SOON, async (lock) => {
      const record: unknown = JSON.parse(readFileSync(`${file}.lock-owner`, 'utf8'))
      writeFileSync(
        `${file}.lock-owner`,
        JSON.stringify({ ...Object(record), nonce: newOwnerRecord().nonce }),
      )
      expect(lock.held()).toBe(false)
    })
  })

  it('is given back when the process exits in the middle', async () => {
    const folder = temporaryFolder()
    await withLock(join(folder, 'file'), SOON, async (lock) => {
      releaseAllSync()
      expect(lock.held()).toBe(false)
      expect(contents(folder)).toEqual({})
    })
    expect(contents(folder)).toEqual({})
  })
})

describe('what stands in the way of a lock', () => {
  it.each([
    ['a folder', makeFolder],
    ['a folder with something in it', makeFull],
    ['a file', makeFile],
  ])('is removed when it is old: %s', async (_, make) => {
    const folder = temporaryFolder()
    make(join(folder, 'file.lock'))
    utimesSync(join(folder, 'file.lock'), LONG_AGO, LONG_AGO)
    expect(await withLock(join(folder, 'file'), SOON, async () => 1)).toMatchObject({ ok: true })
    expect(contents(folder)).toEqual({})
  })

  it('is removed when it comes from the future, or is a link, and nobody keeps it up', async () => {
    const folder = temporaryFolder()
    const files = [makeFolder, makeFull, makeFile, makeLink].map((make, index) => {
      make(join(folder, `${index}.lock`))
      lutimesSync(join(folder, `${index}.lock`), TOMORROW, TOMORROW)
      return join(folder, `${index}`)
    })
    const results = files.map(async (file) => withLock(file, PATIENT, async () => 1))
    expect(await Promise.all(results)).toEqual(files.map(() => ({ ok: true, value: 1 })))
    expect(readdirSync(folder)).toEqual([])
  }, 15_000)

  it.each([
    ['now', new Date()],
    ['in the future', TOMORROW],
  ])('is removed at once when its owner is dead, last touched %s', async (_, touched) => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    const holder = startProgram(new URL('programs/hold-lock.ts', import.meta.url), [file])
    await holder.line()
    holder.child.kill('SIGKILL')
    await holder.ended()
    utimesSync(`${file}.lock`, touched, touched)
    expect(await withLock(file, { deadlineMs: 1_000 }, async () => 1)).toMatchObject({ ok: true })
    expect(contents(folder)).toEqual({})
  })

  it.runIf(process.platform === 'linux').each([
    ['the machine was started anew', { bootId: 'before' }],
    ['another process has its number by now', { startTime: '1' }],
    ['no process has its number', { pid: 2 ** 22 + 1 }],
  ])('is removed at once when %s', async (_, owner) => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    makeOwned(file, owner)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: true })
    expect(contents(folder)).toEqual({})
  })

  it('is removed although a process ended while it removed it', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    const { nonce } = makeOwned(file, { pid: 2 ** 22 + 1 })
    writeFileSync(`${file}.lock-taken-${nonce}`, '')
    utimesSync(`${file}.lock-taken-${nonce}`, LONG_AGO, LONG_AGO)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: true })
    expect(contents(folder)).toEqual({})
  })

  it.each([
    ['on another machine', { host: 'another', pid: 2 ** 22 + 1 }],
    ['in another container', { pidNamespace: 'pid:[1]', pid: 2 ** 22 + 1 }],
  ])('stays until it is old when its owner lives %s', async (_, owner) => {
    const file = newFile()
    makeOwned(file, owner)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: false, reason: 'busy' })
    utimesSync(`${file}.lock`, LONG_AGO, LONG_AGO)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: true })
  })

  it('stays when the dead owner had another lock', async () => {
    const file = newFile()
    const holder = startProgram(new URL('programs/hold-lock.ts', import.meta.url), [file])
    await holder.line()
    holder.child.kill('SIGKILL')
    await holder.ended()
    rmdirSync(`${file}.lock`)
    mkdirSync(`${file}.lock`)
    expect(await withLock(file, SOON, async () => 1)).toMatchObject({ ok: false, reason: 'busy' })
  })

  it('stays when what is known of its owner cannot be read', async () => {
    const file = newFile()
    mkdirSync(`${file}.lock`)
    for (const record of ['', '{', '{"pid":1}', 'null', '{"__proto__":{"pid":1}}']) {
      writeFileSync(`${file}.lock-owner`, record)
      expect(await withLock(file, { deadlineMs: 30 }, async () => 1)).toMatchObject({
        reason: 'busy',
        detail: expect.stringContaining('another process'),
      })
    }
  })
})
