import { dirname } from 'node:path'
import type { DiskStep } from './disk.ts'

/** What a disk can hold: paths, and what is in the files. */
export type DiskState = ReadonlyMap<string, DiskNode>
export type DiskNode =
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly bytes: Buffer; readonly mode: number }

/** After so many steps, all that a crash at this moment may leave behind. */
export interface CrashPoint {
  readonly steps: number
  readonly states: readonly DiskState[]
}

/**
 * Replays the steps on an imaginary disk, and stops after each. `kill`: what was called is there,
 * a write perhaps in part. `power`: what was not flushed may be missing, empty, cut, or zeros, and
 * a new name that was not flushed with its folder may be gone, alone or with all that came later.
 */
export function crashPoints(
  steps: readonly DiskStep[],
  before: DiskState,
  how: 'kill' | 'power',
): readonly CrashPoint[] {
  const disk = createDisk(before)
  return [undefined, ...steps].map((step, index) => {
    const torn = step === undefined || how === 'power' ? [] : disk.torn(step)
    if (step !== undefined) disk.run(step)
    return { steps: index, states: how === 'kill' ? [...torn, disk.now()] : disk.afterPowerCut() }
  })
}

interface File {
  readonly kind: 'file'
  readonly mode: number
  bytes: Buffer
  flushed: Buffer | undefined
}
type Node = File | { readonly kind: 'folder' }
type Names = Map<string, Node>
/** A change of the names in a folder that its flush makes durable. */
interface NameChange {
  readonly folders: readonly string[]
  readonly apply: (names: Names) => void
}

function createDisk(before: DiskState) {
  const names: Names = new Map([...before].map(([path, node]) => [path, nodeOf(node)]))
  const durable: Names = new Map(names)
  let pending: NameChange[] = []
  const opened = new Map<number, { readonly path: string; readonly node: Node | undefined }>()

  function change(folders: readonly string[], apply: (names: Names) => void): void {
    apply(names)
    pending.push({ folders, apply })
  }

  function put(path: string, node: Node): void {
    change([dirname(path)], (all) => all.set(path, node))
  }

  function remove(path: string): void {
    change([dirname(path)], (all) => all.delete(path))
  }

  function create(path: string, mode: unknown): File {
    const there = names.get(path)
    if (there?.kind === 'file') {
      there.bytes = Buffer.alloc(0)
      return there
    }
    const file: File = {
      kind: 'file',
      mode: typeof mode === 'number' ? mode : 0o644,
      bytes: Buffer.alloc(0),
      flushed: undefined,
    }
    put(path, file)
    return file
  }

  function makeFolders(path: string): void {
    if (names.has(path) || path === dirname(path)) return
    makeFolders(dirname(path))
    put(path, { kind: 'folder' })
  }

  function flushNames(folder: string): void {
    for (const each of pending.filter(({ folders }) => folders.includes(folder)))
      each.apply(durable)
    pending = pending.filter(({ folders }) => !folders.includes(folder))
  }

  function run({ call, path, args, file }: DiskStep): void {
    const node = opened.get(file)?.node
    const isFile = node?.kind === 'file'
    switch (call) {
      case 'open':
        if (isWriting(args[1])) create(path, args[2])
        opened.set(file, { path, node: names.get(path) })
        break
      case 'file.writeFile':
        if (isFile) node.bytes = bytesOf(args[0])
        break
      case 'file.write':
        if (isFile) node.bytes = overwritten(node.bytes, bytesOf(args[0]), Number(args[3]))
        break
      case 'file.truncate':
        if (isFile) node.bytes = node.bytes.subarray(0, Number(args[0]))
        break
      case 'file.sync':
        if (isFile) node.flushed = node.bytes
        else flushNames(path)
        break
      case 'writeFile':
      case 'writeFileSync':
        create(path, modeIn(args[2])).bytes = bytesOf(args[1])
        break
      case 'mkdir':
      case 'mkdirSync':
        makeFolders(path)
        break
      case 'link':
      case 'rename':
      case 'renameSync': {
        const moved = names.get(path)
        const to = String(args[1])
        if (moved === undefined) break
        change([dirname(path), dirname(to)], (all) => {
          all.set(to, moved)
          if (call !== 'link') all.delete(path)
        })
        break
      }
      case 'rm':
      case 'rmSync':
      case 'unlinkSync':
      case 'rmdirSync':
        if (names.has(path)) remove(path)
        break
    }
  }

  return {
    run,
    now: () => stateOf(names, (file) => file.bytes),
    /** A write that was cut off in the middle. */
    torn(step: DiskStep): readonly DiskState[] {
      const node = opened.get(step.file)?.node
      if (node?.kind !== 'file' || !step.call.startsWith('file.write')) return []
      const whole = node.bytes
      const bytes = bytesOf(step.args[0])
      node.bytes = overwritten(whole, bytes.subarray(0, bytes.length / 2), 0)
      const state = stateOf(names, (file) => file.bytes)
      node.bytes = whole
      return [state]
    },
    afterPowerCut(): readonly DiskState[] {
      const counts = [...pending.keys(), pending.length]
      const kept = [
        ...counts.map((count) => pending.slice(0, count)),
        ...pending.map((lost) => pending.filter((each) => each !== lost)),
      ]
      return kept.flatMap((changes) => {
        const all: Names = new Map(durable)
        for (const { apply } of changes) apply(all)
        return LOSSES.map((loss) =>
          stateOf(all, ({ bytes, flushed }) => (bytes === flushed ? bytes : loss(bytes))),
        )
      })
    },
  }
}

/** What becomes of bytes that were not flushed. */
const LOSSES: readonly ((bytes: Buffer) => Buffer)[] = [
  (bytes) => bytes,
  () => Buffer.alloc(0),
  (bytes) => bytes.subarray(0, bytes.length / 2),
  (bytes) => Buffer.alloc(bytes.length),
]

function stateOf(names: Names, bytesIn: (file: File) => Buffer): DiskState {
  const reachable = [...names].filter(([path]) => hasFolder(names, path))
  return new Map(
    reachable.map(([path, node]) => [
      path,
      node.kind === 'folder' ? node : { kind: 'file', bytes: bytesIn(node), mode: node.mode },
    ]),
  )
}

/** A file whose folder was lost is lost with it. */
function hasFolder(names: Names, path: string): boolean {
  const folder = dirname(path)
  return folder === path || (names.has(folder) && hasFolder(names, folder))
}

function nodeOf(node: DiskNode): Node {
  return node.kind === 'folder' ? node : { ...node, flushed: node.bytes }
}

function isWriting(flags: unknown): boolean {
  return typeof flags === 'string' && flags.startsWith('w')
}

function modeIn(options: unknown): unknown {
  return typeof options === 'object' && options !== null ? Reflect.get(options, 'mode') : undefined
}

function bytesOf(content: unknown): Buffer {
  return Buffer.isBuffer(content) ? Buffer.from(content) : Buffer.from(String(content))
}

function overwritten(before: Buffer, bytes: Buffer, position: number): Buffer {
  return Buffer.concat([
    before.subarray(0, position),
    bytes,
    before.subarray(position + bytes.length),
  ])
}
