import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { secret } from '../../src/secret.ts'
import { createFileStore } from '../../src/store/file.ts'
import { createFileJournal } from '../../src/store/file-journal.ts'
import { folderAt } from '../../src/store/lock-folder.ts'
import { newOwnerRecord } from '../../src/store/owner.ts'
import type { StoreDocument, StoreResult } from '../../src/store/store.ts'
import { RENEWED } from '../contract/journal.ts'
import { TOKEN } from '../contract/spent-token.ts'
import { type CrashPoint, type DiskNode, type DiskState, crashPoints } from './crash-states.ts'
import { type DiskStep, listening } from './disk.ts'
import { MEMORY, adding, rawAccount, rawDocument, temporaryFolder, uuids } from './examples.ts'

vi.mock('node:fs', async (actual) => (await import('./disk.ts')).shown(await actual()))
vi.mock('node:fs/promises', async (actual) => (await import('./disk.ts')).shown(await actual()))
// A damaged file is looked at twice, with a pause: not hundreds of times here.
vi.mock('node:timers/promises', () => ({ setTimeout: () => new Promise(setImmediate) }))

const NAME = 'accounts.json'

interface Found {
  readonly steps: number
  readonly state: DiskState
}
type Files = Readonly<Record<string, string>>
interface Beginning {
  readonly name: string
  readonly files: Files | undefined
  readonly known: readonly string[]
  readonly copied?: readonly string[]
}
const COPIES: Files = {
  [`${NAME}.bak-0`]: generation(4, 'a', 'b'),
  [`${NAME}.bak-1`]: generation(3, 'a'),
}
/** `known`: accounts that every reader finds. `copied`: those that only an update brings back. */
const BEGINNINGS: readonly Beginning[] = [
  { name: 'no folder yet', files: undefined, known: [] },
  {
    name: 'a whole file',
    files: { ...COPIES, [NAME]: generation(4, 'a', 'b') },
    known: ['a', 'b'],
  },
  { name: 'a damaged file', files: { ...COPIES, [NAME]: '{"accounts":[{' }, known: ['a', 'b'] },
  {
    name: 'a file that was set back',
    files: { ...COPIES, [NAME]: generation(3, 'a') },
    known: ['a'],
    copied: ['b'],
  },
  { name: 'a file of another program', files: { [NAME]: generation(0, 'a') }, known: ['a'] },
]

describe.each(BEGINNINGS)('two updates, beginning with $name', ({ files, known, copied = [] }) => {
  it.each(['kill', 'power'] as const)('survive a crash at any moment: %s', async (how) => {
    const { root, folder, before } = begin(files)
    const store = open(folder)
    const acknowledged: { uuid: string; steps: number }[] = known.map((uuid) => ({
      uuid,
      steps: 0,
    }))
    const steps: DiskStep[] = []
    await listening({ after: (step) => void steps.push(step) }, async () => {
      for (const uuid of ['c', 'd']) {
        const result = await store.update((document) => renewed(adding(uuid)(document)))
        expect(result).toMatchObject({ ok: true })
        acknowledged.push({ uuid, steps: steps.length })
      }
    })
    const points = distinct(crashPoints(steps, before, how))
    const harm = await Promise.all(
      points.map(async ({ steps: count, state }) => {
        const wanted = acknowledged.filter((each) => each.steps <= count).map(({ uuid }) => uuid)
        const found = await harmAfter(restore(state, root), wanted, copied)
        const last = steps[count - 1]
        return found.map((what) => `after ${count}, ${last?.call} ${last?.path}: ${what}`)
      }),
    )
    expect(harm.flat()).toEqual([])
    expect(points.length).toBeGreaterThan(20)
  })
})

describe('the record of what a token was exchanged for', () => {
  it.each(['kill', 'power'] as const)('is whole or not there after a crash: %s', async (how) => {
    const { root, folder } = begin({})
    const before = stateAt(folder)
    const journal = createFileJournal(join(folder, REFRESH))
    const steps: DiskStep[] = []
    await listening({ after: (step) => void steps.push(step) }, async () => {
      expect(await journal.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: false })
      await journal.record(TOKEN, RENEWED)
    })
    const points = distinct(crashPoints(steps, before, how))
    const harm = await Promise.all(
      points.map(async ({ steps: count, state }) => {
        const isKept = count === steps.length || (how === 'kill' && holdsAnswer(state))
        const found = await harmToRecord(join(restore(state, root), REFRESH), isKept)
        const last = steps[count - 1]
        return found.map((what) => `after ${count}, ${last?.call} ${last?.path}: ${what}`)
      }),
    )
    expect(harm.flat()).toEqual([])
    expect(points.length).toBeGreaterThan(10)
  })
})

const REFRESH = 'multiauth-refresh'

/** Asks for the token as the next process does. */
async function harmToRecord(folder: string, isKept: boolean): Promise<readonly string[]> {
  const journal = createFileJournal(folder)
  const claim = await journal.claim(TOKEN)
  const [record] = await journal.spent([TOKEN])
  const isRight = record?.kind === 'renewed' && record.refreshToken.reveal() === 'canary-rt-new'
  return [
    ...(record === undefined || isRight ? [] : ['the record is not whole']),
    ...(claim.kind === (record === undefined ? 'ours' : 'spent') ? [] : [`a claim: ${claim.kind}`]),
    ...(isKept && record === undefined ? ['the record is missing'] : []),
    ...strangers(folder, /./),
  ]
}

/** Whether the answer is on the disk in full, under whatever name. */
function holdsAnswer(state: DiskState): boolean {
  return [...state.values()].some(
    (node) => 'bytes' in node && /canary-rt-new[^]*\}/.test(node.bytes.toString()),
  )
}

/** Reads and writes as the next process does. Tells all that is not as it should be. */
async function harmAfter(
  folder: string,
  known: readonly string[],
  copied: readonly string[],
): Promise<readonly string[]> {
  const read = await open(folder).read()
  const written = await open(folder, Date.now() + 3_600_000).update(adding('next'))
  const all = [...known, ...copied, 'next']
  return [
    ...missing(read, known),
    ...missing(written, all),
    ...missing(await open(folder).read(), all),
    ...strangers(folder, /^accounts\.json(\.bak-[01]|\.corrupt-[0-9a-f]{12})?$/),
  ]
}

function missing(result: StoreResult, wanted: readonly string[]): string[] {
  if (!result.ok) return [`${result.problem.code}: ${result.problem.message}`]
  const { accounts } = result.document
  const [a] = accounts.filter(({ uuid }) => uuid === 'a')
  const renewals = wanted.filter((uuid) => uuid === 'c' || uuid === 'd').length
  const isMixed = a !== undefined && a.refreshToken.reveal() !== `rt-a-${a.tokenVersion}`
  return [
    ...wanted.filter((uuid) => !uuids(result).includes(uuid)).map((uuid) => `${uuid} is missing`),
    ...(a !== undefined && a.tokenVersion < renewals ? ['an old token came back'] : []),
    ...(isMixed ? ['the token is not of its version'] : []),
  ]
}

/** One more token for the account a, numbered. */
function renewed(state: StoreDocument): StoreDocument {
  const accounts = state.accounts.map((account) =>
    account.uuid === 'a'
      ? {
          ...account,
          tokenVersion: account.tokenVersion + 1,
          refreshToken: secret(`rt-a-${account.tokenVersion + 1}`),
        }
      : account,
  )
  return { ...state, accounts }
}

function begin(files: Files | undefined) {
  const root = temporaryFolder(MEMORY)
  const folder = join(root, 'config')
  if (files !== undefined) {
    mkdirSync(folder)
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
    }
  }
  return { root, folder, before: stateAt(folder) }
}

/** What is in the folder, and the folders it is in. */
function stateAt(folder: string): DiskState {
  const state = new Map<string, DiskNode>()
  for (let path = dirname(folder); ; path = dirname(path)) {
    state.set(path, { kind: 'folder' })
    if (path === dirname(path)) break
  }
  if (!existsSync(folder)) return state
  state.set(folder, { kind: 'folder' })
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(folder, entry.name)
    state.set(path, { kind: 'file', bytes: readFileSync(path), mode: 0o600 })
  }
  return state
}

/** Each state once, at the last moment it can be met: then most is promised. */
function distinct(points: readonly CrashPoint[]): readonly Found[] {
  const found = new Map<string, Found>()
  for (const { steps, states } of points) {
    for (const state of states) {
      const parts = [...state].map(([path, node]) =>
        JSON.stringify([path, node.kind === 'file' ? node.bytes.toString() : undefined]),
      )
      found.set(parts.toSorted((one, other) => (one < other ? -1 : 1)).join(), { steps, state })
    }
  }
  return [...found.values()]
}

/** The state in a folder of its own, whose processes are all gone. */
function restore(state: DiskState, root: string): string {
  const copy = temporaryFolder(MEMORY)
  for (const [path, node] of [...state].toSorted(([one], [other]) => one.length - other.length)) {
    if (!path.startsWith(`${root}/`)) continue
    const target = copy + path.slice(root.length)
    if (node.kind === 'folder') mkdirSync(target, { recursive: true, mode: 0o700 })
    else writeFileSync(target, ofTheDead(node.bytes), { mode: node.mode })
    if (node.kind === 'file') utimesSync(target, JUST_NOW, JUST_NOW)
  }
  const folder = join(copy, 'config')
  const lock = join(folder, `${NAME}.lock`)
  if (existsSync(lock)) renameOwner(lock)
  return folder
}

/** The process that wrote this has ended; another one has its number now. */
function ofTheDead(bytes: Buffer): Buffer | string {
  const text = bytes.toString()
  return OWN_START !== undefined && text.includes(OWN_START)
    ? text.replace(OWN_START, '"startTime":"1"')
    : bytes
}

const OWN_START = /"startTime":"\d+"/.exec(JSON.stringify(newOwnerRecord()))?.[0]

/** The copy of a lock is another folder. What nobody can know the owner of gets old instead. */
function renameOwner(lock: string): void {
  const record = `${lock}-owner`
  const text = existsSync(record) ? readFileSync(record, 'utf8') : ''
  writeFileSync(record, text.replace(/"folder":"[^"]*"/, `"folder":"${folderAt(lock)}"`))
  if (!text.endsWith('}')) utimesSync(lock, LONG_AGO, LONG_AGO)
  if (text === '') rmSync(record)
}

/** Longer ago than the owner of a ticket is mourned, and shorter than what is swept. */
const JUST_NOW = new Date(Date.now() - 10_000)
const LONG_AGO = new Date(Date.now() - 60_000)

/** What should not be in the folder, or be open to others. */
function strangers(folder: string, names: RegExp): string[] {
  return readdirSync(folder).flatMap((name) => {
    const { mode } = statSync(join(folder, name))
    if ((mode & 0o777) !== 0o600) return [`${name} has mode ${mode.toString(8)}`]
    return names.test(name) ? [] : [`left: ${name}`]
  })
}

function open(folder: string, time = Date.now()) {
  return createFileStore({ file: join(folder, NAME), now: () => time, lockWaitMs: 2_000 })
}

function generation(rev: number, ...names: readonly string[]): string {
  const accounts = names.map((name) => rawAccount(name, { refreshToken: `rt-${name}-0` }))
  return rawDocument(accounts, { rev })
}
