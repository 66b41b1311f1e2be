import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ClaimStore } from '../../src/store/claims.ts'
import { createFileClaims } from '../../src/store/file-claims.ts'
import { createMemoryClaims, createMemoryClaimsPlace } from '../../src/store/memory-claims.ts'
import { type OwnerRecord, newOwnerRecord } from '../../src/store/owner.ts'
import { describeClaimStore } from '../contract/claims.ts'
import { startProgram } from '../runtime/program.ts'
import { contents, temporaryFolder } from './examples.ts'

const START = 1_800_000_000_000
const HOLD = new URL('programs/hold-account.ts', import.meta.url)
const IS_LINUX = process.platform === 'linux'

describeClaimStore('the memory', () => {
  const place = createMemoryClaimsPlace()
  const clock = handClock()
  return { open: () => createMemoryClaims(place, clock.now), pass: clock.pass }
})

describeClaimStore('the file', () => {
  const file = join(temporaryFolder(), 'multiauth-claims.json')
  const clock = handClock()
  let host = 0
  return {
    open: () => createFileClaims({ file, now: clock.now, self: onHost(`host-${host++}`) }),
    pass: clock.pass,
  }
})

describe('the claims file', () => {
  it('is for its owner only, and shows `pid` and `at` to those who know no more', async () => {
    const { file, store } = open()
    await store.write([{ account: 'a', inFlight: 2 }])
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
    expect(read(file)).toEqual({
      a: {
        pid: process.pid,
        at: START,
        leases: [
          expect.objectContaining({ pid: process.pid, at: START, inFlight: 2, host: anyText }),
        ],
      },
    })
  })

  it('names the newest lease where several processes hold an account', async () => {
    const { file, store, pass } = open()
    const other = { ...onHost('elsewhere'), pid: 7 }
    await store.write([{ account: 'a', inFlight: 1 }])
    pass(1_000)
    const theirs = createFileClaims({ file, now: () => START + 1_000, self: other })
    await theirs.write([{ account: 'a', inFlight: 1 }])
    expect(read(file)).toMatchObject({ a: { pid: 7, at: START + 1_000 } })
    expect(leasesOf(file, 'a')).toHaveLength(2)
  })

  it('is not made by reading, by a release, or by a write of nothing', async () => {
    const { folder, store } = open()
    await store.read()
    await store.release()
    await store.write([])
    expect(contents(folder)).toEqual({})
  })

  it('leaves no lock and no temporary file behind', async () => {
    const { folder, store } = open()
    await store.write([{ account: 'a', inFlight: 1 }])
    await store.release()
    expect(contents(folder)).toEqual({ 'multiauth-claims.json': '{}\n' })
  })

  it('counts a claim of another program as one lease, and keeps it', async () => {
    const { file, store } = open({ a: { pid: process.ppid, at: START - 1_000 } })
    expect(await store.read()).toMatchObject([
      { account: 'a', inFlight: 1, until: START + 59_000, holder: { pid: process.ppid } },
    ])
    await store.write([{ account: 'a', inFlight: 1 }])
    expect(leasesOf(file, 'a')).toMatchObject([{ pid: process.ppid }, { pid: process.pid }])
    expect(await store.read()).toHaveLength(1)
    await store.release()
    expect(read(file)).toMatchObject({ a: { pid: process.ppid, at: START - 1_000 } })
  })

  it('takes what another program wrote over our entry for one lease more', async () => {
    const { file, store } = open()
    await store.write([{ account: 'a', inFlight: 1 }])
    const entries = read(file)
    write(file, { a: { ...entries['a'], pid: process.ppid, at: START } })
    expect(await store.read()).toMatchObject([{ account: 'a', inFlight: 1 }])
    write(file, { a: { ...entries['a'], pid: process.ppid, at: START + 1 } })
    expect(await store.read()).toHaveLength(1)
  })

  it('keeps what it does not know: fields, entries, and leases with more in them', async () => {
    const theirs = { ...leaseOf(onHost('elsewhere'), START), mood: 'good' }
    const { file, store } = open({
      a: { pid: 1, at: START, color: 'red', leases: [theirs] },
      odd: { something: 'else' },
      number: 5,
    })
    await store.write([{ account: 'a', inFlight: 1 }])
    expect(read(file)).toMatchObject({
      a: { color: 'red', leases: [{ mood: 'good' }, { pid: 1 }, { pid: process.pid }] },
      odd: { something: 'else' },
      number: 5,
    })
  })

  it.each(['', '{', '[]', 'null', '{"a":', '\u0000\u0000\u0000'])(
    'is replaced when it is damaged: %j',
    async (text) => {
      const { file, store } = open()
      writeFileSync(file, text, { mode: 0o600 })
      expect(await store.read()).toEqual([])
      expect(await store.write([{ account: 'a', inFlight: 1 }])).toEqual({ ok: true })
      expect(read(file)).toMatchObject({ a: { pid: process.pid } })
    },
  )

  it.each([
    ['a number that is none', { a: { pid: 'x', at: START } }],
    ['a fraction', { a: { pid: 1.5, at: START } }],
    ['a time that is none', { a: { pid: 1, at: 'now' } }],
    ['leases that are none', { a: { leases: [null, 5, { pid: -1, at: 0 }] } }],
    ['no list of leases', { a: { leases: 'many' } }],
    ['the name of a method', { constructor: { pid: 1 } }],
  ])('takes what is no claim for none: %s', async (_, entries) => {
    const { store } = open(entries)
    expect(await store.read()).toEqual([])
    expect(await store.write([{ account: 'a', inFlight: 1 }])).toEqual({ ok: true })
  })

  it('changes no prototype', async () => {
    const { file, store } = open()
    writeFileSync(file, `{"__proto__":{"pid":1,"at":${START}},"a":{"__proto__":{"x":1}}}`)
    await store.read()
    await store.write([{ account: '__proto__', inFlight: 1 }])
    expect(Object.keys({})).toEqual([])
    expect(Reflect.get({}, 'pid')).toBeUndefined()
  })

  it('keeps the leases of both providers apart: each gives back its own', async () => {
    const { file, store, now } = open()
    const second = createFileClaims({ file, now })
    await store.write([{ account: 'a', inFlight: 1 }])
    await second.write([{ account: 'x', inFlight: 1 }])
    await store.write([{ account: 'b', inFlight: 1 }])
    expect(Object.keys(read(file))).toEqual(['x', 'b'])
    expect(await second.read()).toEqual([])
    await second.release()
    expect(Object.keys(read(file))).toEqual(['b'])
  })

  it('says why it cannot be written, and never throws', async () => {
    const { folder, file, store } = open()
    mkdirSync(file)
    expect(await store.read()).toEqual([])
    expect(await store.write([{ account: 'a', inFlight: 1 }])).toMatchObject({ ok: false })
    await store.release()
    expect(readdirSync(folder)).toEqual(['multiauth-claims.json'])
  })

  it.runIf(process.getuid?.() !== 0)('survives a folder that takes no file', async () => {
    const { folder, store } = open()
    chmodSync(folder, 0o500)
    onTestFinished(() => chmodSync(folder, 0o700))
    expect(await store.write([{ account: 'a', inFlight: 1 }])).toMatchObject({ ok: false })
    await store.release()
  })
})

describe('the end of a process', () => {
  it('is quick even while another process holds the lock', { timeout: 20_000 }, async () => {
    const { file, store } = open(undefined, Date.now)
    await store.write([{ account: 'a', inFlight: 1 }])
    const lock = startProgram(new URL('programs/hold-lock.ts', import.meta.url), [file])
    expect(await lock.line()).toBe('held')
    const writing = store.write([{ account: 'b', inFlight: 1 }])
    const begun = performance.now()
    await store.release()
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(await writing).toMatchObject({ ok: false })
  })
})

describe('a lease', () => {
  it('ends with its process', async () => {
    const { file, store } = open(undefined, Date.now)
    const holder = startProgram(HOLD, [file, 'a'])
    expect(await holder.line()).toBe('held')
    expect(await store.read()).toMatchObject([{ account: 'a', inFlight: 1 }])
    holder.child.kill('SIGKILL')
    await holder.ended()
    expect(await store.read()).toEqual([])
  })

  it('of another program ends with its process too', async () => {
    const { file, store } = open(undefined, Date.now)
    const holder = startProgram(HOLD, [file, 'a'])
    await holder.line()
    write(file, { a: { pid: holder.child.pid, at: Date.now() } })
    expect(await store.read()).toHaveLength(1)
    holder.child.kill('SIGKILL')
    await holder.ended()
    expect(await store.read()).toEqual([])
  })

  it.runIf(IS_LINUX)('does not live on in another process with its number', async () => {
    const parent = { ...newOwnerRecord(), pid: process.ppid }
    const { store } = open({
      reused: entryOf({ ...parent, startTime: '1' }),
      alive: entryOf({ ...parent, startTime: startTimeOf(process.ppid) }),
    })
    expect(await store.read()).toMatchObject([{ account: 'alive' }])
  })

  it.runIf(IS_LINUX)('does not survive the machine’s start', async () => {
    const { store } = open({ a: entryOf({ ...parentOf(), bootId: 'before' }) })
    expect(await store.read()).toEqual([])
  })

  it.each([
    ['on another host', { host: 'elsewhere' }],
    ['in another pid namespace', { pidNamespace: 'pid:[1]' }],
  ])('of a process %s lives for a minute, whatever runs under that number here', async (_, at) => {
    const { store, pass } = open({ a: entryOf({ ...newOwnerRecord(), pid: 2 ** 22, ...at }) })
    expect(await store.read()).toHaveLength(1)
    pass(59_999)
    expect(await store.read()).toHaveLength(1)
    pass(1)
    expect(await store.read()).toEqual([])
  })

  it('from the future lives for a minute after it was first seen', async () => {
    const { store, pass } = open({ a: { pid: process.ppid, at: START + 86_400_000 } })
    expect(await store.read()).toMatchObject([{ until: START + 60_000 }])
    pass(59_999)
    expect(await store.read()).toHaveLength(1)
    pass(1)
    expect(await store.read()).toEqual([])
  })

  it('is swept with the next write when it is over, and no write is made for that', async () => {
    const dead = entryOf({ ...newOwnerRecord(), host: 'elsewhere' }, START - 60_000)
    const { file, store } = open({ dead, deadToo: { pid: process.ppid, at: 5 } })
    const before = readFileSync(file, 'utf8')
    await store.read()
    await store.write([])
    await store.release()
    expect(readFileSync(file, 'utf8')).toBe(before)
    await store.write([{ account: 'a', inFlight: 1 }])
    expect(Object.keys(read(file))).toEqual(['a'])
  })
})

const anyText: unknown = expect.any(String)

function open(entries?: Readonly<Record<string, unknown>>, realNow?: () => number) {
  const folder = temporaryFolder()
  const file = join(folder, 'multiauth-claims.json')
  const clock = handClock()
  const now = realNow ?? clock.now
  if (entries !== undefined) write(file, entries)
  const store: ClaimStore = createFileClaims({ file, now })
  return { folder, file, store, now, pass: clock.pass }
}

function handClock() {
  let time = START
  return { now: () => time, pass: (ms: number) => void (time += ms) }
}

function onHost(host: string): OwnerRecord {
  return { ...newOwnerRecord(), host }
}

function parentOf(): OwnerRecord {
  return { ...newOwnerRecord(), pid: process.ppid, startTime: startTimeOf(process.ppid) }
}

function startTimeOf(pid: number): string {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function leaseOf({ pid, startTime, bootId, pidNamespace, host }: OwnerRecord, at: number) {
  return { pid, startedAt: startTime, bootId, pidNamespace, host, at, inFlight: 1 }
}

function entryOf(owner: OwnerRecord, at = START) {
  return { pid: owner.pid, at, leases: [leaseOf(owner, at)] }
}

function write(file: string, entries: Readonly<Record<string, unknown>>): void {
  writeFileSync(file, JSON.stringify(entries), { mode: 0o600 })
}

function read(file: string): Record<string, Record<string, unknown>> {
  return JSON.parse(readFileSync(file, 'utf8'))
}

function leasesOf(file: string, account: string): unknown {
  return read(file)[account]?.['leases']
}
