/**
 * Meets a fault of a real disk: `full`, `nearly-full` and `read-only` in a mount namespace of its
 * own, `files` under a low `ulimit -n`, `forbidden` as another user. Prints, as one line of JSON,
 * what an update and a read said before, during and after it.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { secret } from '../../../src/secret.ts'
import { parseDocument } from '../../../src/store/document.ts'
import { createFileStore } from '../../../src/store/file.ts'

const [kind = '', folder = ''] = process.argv.slice(2)
const NOBODY = 65_534
const file = join(folder, 'accounts.json')
const filler = join(folder, 'filler')
const opened: number[] = []

const FAULTS: Readonly<Record<string, { begin(): void; end?(): void }>> = {
  full: { begin: () => fill(0), end: () => rmSync(filler) },
  'nearly-full': { begin: () => fill(4_096), end: () => rmSync(filler) },
  'read-only': { begin: () => mount('remount,ro'), end: () => mount('remount,rw') },
  files: { begin: openMany, end: () => opened.forEach((each) => closeSync(each)) },
  forbidden: { begin: () => process.setuid?.(NOBODY) },
}
const fault = FAULTS[kind]
if (fault === undefined) throw new Error(`no such fault: ${kind}`)
if (fault.end !== undefined && kind !== 'files') mount('size=128k')

const store = createFileStore({ file, now: Date.now, lockWaitMs: 1_000 })
const before = await add('a', '')
const text = readFileSync(file, 'utf8')
fault.begin()
// More than what is left of a disk that is nearly full.
const update = await add('b', 'x'.repeat(20_000))
const read = await outcomeOf(store.read())
if (kind === 'files') fault.end?.()
const during = { update, read, names: kind === 'forbidden' ? [] : readdirSync(folder) }
const isIntact = kind === 'forbidden' || readFileSync(file, 'utf8') === text
if (kind !== 'files') fault.end?.()
const after = kind === 'forbidden' ? '' : await add('c', '')
console.log(JSON.stringify({ before, during, isIntact, after, names: during.names }))

async function add(uuid: string, label: string): Promise<string> {
  const raw = { uuid, label, refreshToken: 'x' }
  const parsed = parseDocument(JSON.stringify({ version: 1, accounts: [raw] }))
  const added = parsed.ok ? parsed.document.accounts : []
  return outcomeOf(
    store.update((document) => ({
      ...document,
      accounts: [
        ...document.accounts,
        ...added.map((account) => ({ ...account, refreshToken: secret(`rt-${uuid}`) })),
      ],
    })),
  )
}

async function outcomeOf(asked: ReturnType<typeof store.read>): Promise<string> {
  const result = await asked
  if (!result.ok) return result.problem.message.replace(file, 'FILE')
  return result.document.accounts.map(({ uuid }) => uuid).join(' ')
}

function mount(options: string): void {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  if (status !== 0) throw new Error(`mount: ${String(stderr)}`)
}

/** Takes all space but `left` bytes. */
function fill(left: number): void {
  const spare = join(folder, 'spare')
  if (left > 0) writeFileSync(spare, Buffer.alloc(left))
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // Full for this size: a smaller one may fit.
    }
  }
  rmSync(spare, { force: true })
}

function openMany(): void {
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'))
  } catch {
    // That many it may have.
  }
}
