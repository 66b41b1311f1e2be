import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { findOpenCode } from '../runtime/opencode.ts'
import type { Runtime } from '../runtime/runtimes.ts'

/** One real process of the crew. It is told what to do, and answers, in lines. */
export interface Worker {
  readonly name: string
  readonly pid: number
  tell(line: string): void
  /** The next line it prints; rejects when it ends first. */
  line(): Promise<string>
  stop(): void
  resume(): void
  isStopped(): boolean
  kill(): void
  /** Settles as soon as the process is gone. */
  readonly gone: Promise<void>
  /** Settles when all it printed has been read, too. */
  readonly ended: Promise<unknown>
}

/** Command in front of a program, for example one that takes inotify away. */
export type Wrapper = readonly string[]

/** The processes of one run. Whatever happens, none of them outlives it. */
export interface Crew {
  /** An empty folder. */
  folder(): string
  start(
    program: Program,
    runtime: Runtime,
    name: string,
    args: readonly string[],
    wrapper?: Wrapper,
  ): Worker
  /** Kills all that still run. */
  dismiss(): Promise<void>
  /** Kills, and removes every file. */
  close(): void
}

const PROGRAMS = [
  'baseline-client',
  'follow',
  'hold-lock',
  'lock-remover',
  'mutate',
  'renew',
  'update',
] as const
type Program = (typeof PROGRAMS)[number]

const PREFIX = 'rota-chaos-'
/** A killed process is gone at once; its pipes may take a moment. */
const LONGEST_END_MS = 5_000

/** Programs are bundled first, so that starting one again costs little. */
export async function gatherCrew(): Promise<Crew> {
  removeRemains()
  const root = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  const running = new Map<number, ChildProcess>()
  let folders = 0
  await build({
    entryPoints: PROGRAMS.map((name) =>
      fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url)),
    ),
    outdir: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    // For libraries that are CommonJS.
    banner: {
      js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)",
    },
  })

  return {
    folder() {
      const path = join(root, `run-${(folders += 1)}`)
      mkdirSync(path)
      return path
    },
    start(program, runtime, name, args, wrapper = []) {
      const script = join(root, `${program}.mjs`)
      const own = runtime === 'node' ? [process.execPath, script] : [findOpenCode(), script]
      const [command = '', ...rest] = [...wrapper, ...own, ...args]
      const child = spawn(command, rest, {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: runtime === 'node' ? process.env : { ...process.env, BUN_BE_BUN: '1' },
      })
      const pid = child.pid ?? 0
      running.set(pid, child)
      const ended = once(child, 'close').finally(() => running.delete(pid))
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      // A killed process does not listen any more.
      child.stdin.on('error', () => {})
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      let stopped = false
      return {
        name,
        pid,
        tell: (line) => void child.stdin.write(`${line}\n`),
        async line() {
          const { value, done } = await lines.next()
          if (done === true) throw new Error(`${name} ended without a word`)
          return value
        },
        stop() {
          stopped = child.kill('SIGSTOP')
        },
        resume() {
          child.kill('SIGCONT')
          stopped = false
        },
        isStopped: () => stopped,
        kill: () => void child.kill('SIGKILL'),
        gone,
        ended,
      }
    },
    async dismiss() {
      const all = [...running.values()]
      for (const child of all) child.kill('SIGKILL')
      const closed = Promise.all(all.map((child) => once(child, 'close').catch(() => undefined)))
      await Promise.race([closed, pause(LONGEST_END_MS, undefined, { ref: false })])
    },
    close() {
      for (const child of running.values()) child.kill('SIGKILL')
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Removes what a run has left that was itself killed. */
function removeRemains(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}([0-9]+)-`).exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
