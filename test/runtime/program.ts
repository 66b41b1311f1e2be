import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { findOpenCode } from './opencode.ts'
import type { Runtime } from './runtimes.ts'

/** A real process that runs a script. Ended with the test. */
interface Program {
  readonly child: ChildProcess
  /** The next line it prints. */
  line(): Promise<string>
  /** Writes a line to its stdin. */
  tell(line: string): void
  /** Its exit code, once it ended by itself or by a signal. */
  ended(): Promise<number | null>
}

export function startProgram(script: URL, args: readonly string[], runtime: Runtime = 'node') {
  const path = fileURLToPath(script)
  const [command, options] = COMMANDS[runtime]
  const child = spawn(command, [...options, path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: runtime === 'opencode' ? { ...process.env, BUN_BE_BUN: '1' } : process.env,
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exit = once(child, 'exit')
  const program: Program = {
    child,
    async line() {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`${path} ended without a word`)
      return value
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    async ended() {
      const [code] = await exit
      return typeof code === 'number' ? code : null
    },
  }
  return program
}

const COMMANDS = {
  node: [process.execPath, ['--import', 'tsx']],
  opencode: [findOpenCode(), []],
} as const satisfies Record<Runtime, readonly [string, readonly string[]]>
