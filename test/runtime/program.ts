import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { findOpenCode } from './opencode.ts'
import type { Runtime } from './runtimes.ts'

/** A real process that runs a script. Ended with the test. */
export interface Program {
  readonly child: ChildProcess
  /** The next line it prints. */
  line(): Promise<string>
  /** Writes a line to its stdin. */
  tell(line: string): void
  /** Its exit code, once it ended by itself or by a signal. */
  ended(): Promise<number | null>
}

export function startProgram(script: URL, args: readonly string[], runtime?: Runtime): Program {
  const program = launchProgram(script, args, runtime)
  onTestFinished(() => {
    program.child.kill('SIGKILL')
  })
  return program
}

/** The same for several tests: whoever starts it ends it. */
export function launchProgram(
  script: URL,
  args: readonly string[],
  runtime: Runtime = 'node',
): Program {
  const path = fileURLToPath(script)
  const [command, options] = COMMANDS[runtime]
  const child = spawn(command, [...options, path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: runtime === 'opencode' ? { ...process.env, BUN_BE_BUN: '1' } : process.env,
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exit = once(child, 'exit')
  return {
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
}

const COMMANDS = {
  node: [process.execPath, ['--import', 'tsx']],
  opencode: [findOpenCode(), []],
} as const satisfies Record<Runtime, readonly [string, readonly string[]]>
