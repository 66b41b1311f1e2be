import { type ChildProcess, spawn } from 'node:child_process'
import { findOpenCode } from './binary.ts'
import type { Home } from './home.ts'

export interface Finished {
  readonly stdout: string
  readonly stderr: string
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly ms: number
  readonly isTimedOut: boolean
}

export interface Running {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves when the process has ended and its output is read. */
  readonly finished: Promise<Finished>
  /** To the whole process group, which is ours: the process was started as its leader. */
  readonly kill: (signal: NodeJS.Signals) => void
}

/** Starts OpenCode in the home's project. It is killed after `timeoutMs`. */
export function startOpenCode(home: Home, args: readonly string[], timeoutMs: number): Running {
  const started = performance.now()
  const child = spawn(findOpenCode(), args, {
    cwd: home.projectDir,
    env: home.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let isTimedOut = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const timer = setTimeout(() => {
    isTimedOut = true
    killGroup(child, 'SIGKILL')
  }, timeoutMs)
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => {
      clearTimeout(timer)
      resolve({ stdout, stderr, exitCode, ms: performance.now() - started, isTimedOut })
    })
  })
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    finished,
    kill: (signal) => killGroup(child, signal),
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It ended in this moment.
  }
}
