import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** OpenCode's binary runs any script in its own Bun when `BUN_BE_BUN=1`. */
const OPENCODE = fileURLToPath(
  new URL('../../node_modules/opencode-linux-x64/bin/opencode', import.meta.url),
)
export const HAS_OPENCODE = process.platform === 'linux' && existsSync(OPENCODE)

export type Runtime = 'node' | 'opencode'

/** A real process that runs `test/store/programs/<name>.ts`. Ended with the test. */
export interface Program {
  readonly child: ChildProcess
  /** The next line it prints. */
  line(): Promise<string>
  /** Its exit code, once it ended by itself or by a signal. */
  ended(): Promise<number | null>
}

export function startProgram(name: string, args: readonly string[], runtime: Runtime = 'node') {
  const script = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))
  const [command, options] = COMMANDS[runtime]
  const child = spawn(command, [...options, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
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
      if (done === true) throw new Error(`${name} ended without a word`)
      return value
    },
    async ended() {
      const [code] = await exit
      return typeof code === 'number' ? code : null
    },
  }
  return program
}

const COMMANDS = {
  node: [process.execPath, ['--import', 'tsx']],
  opencode: [OPENCODE, []],
} as const satisfies Record<Runtime, readonly [string, readonly string[]]>
