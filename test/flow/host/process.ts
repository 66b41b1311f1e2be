import { spawn } from 'node:child_process'
import { findOpenCode } from '../../runtime/opencode.ts'
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

const groups = new Set<number>()
process.once('exit', () => {
  for (const group of groups) signalGroup(group, 'SIGKILL')
})

/** Starts OpenCode in the home's project. It is killed after `timeoutMs`. */
export function startOpenCode(home: Home, args: readonly string[], timeoutMs: number): Running {
  const started = performance.now()
  const child = spawn(findOpenCode(), args, {
    cwd: home.projectDir,
    env: home.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const group = child.pid ?? 0
  groups.add(group)
  let stdout = ''
  let stderr = ''
  let isTimedOut = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const timer = setTimeout(() => {
    isTimedOut = true
    signalGroup(group, 'SIGKILL')
  }, timeoutMs)
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => {
      clearTimeout(timer)
      groups.delete(group)
      resolve({ stdout, stderr, exitCode, ms: performance.now() - started, isTimedOut })
    })
  })
  return {
    pid: group,
    stdout: () => stdout,
    stderr: () => stderr,
    finished,
    kill: (signal) => {
      if (groups.has(group)) signalGroup(group, signal)
    },
  }
}

/** A group id of 0 would be our own. */
function signalGroup(group: number, signal: NodeJS.Signals): void {
  if (group <= 1) return
  try {
    process.kill(-group, signal)
  } catch {
    // It ended in this moment.
  }
}
