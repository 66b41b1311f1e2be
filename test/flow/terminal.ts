import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findOpenCode } from '../runtime/opencode.ts'
import type { Home } from './host/home.ts'

const run = promisify(execFile)

/** Stands on the last line when the program has ended, followed by its exit code. */
export const ENDED = 'exit code '
/** Wide enough for the URL of a login: a wrapped line is joined again, a cut one is lost. */
const WIDE = { columns: 400, rows: 50 }

interface TerminalOptions {
  readonly columns?: number
  readonly rows?: number
  /** Takes what the program writes to stderr, off the screen. */
  readonly errors?: string
}

/** OpenCode in a real terminal. The screen stays after it has ended, until `close`. */
export async function openTerminal(
  home: Home,
  args: readonly string[],
  { columns = WIDE.columns, rows = WIDE.rows, errors }: TerminalOptions = {},
) {
  // A tmux server of its own, in the home: closing it can end nothing else.
  const socket = join(home.root, `tmux-${randomBytes(4).toString('hex')}`)
  const tmux = async (...words: readonly string[]) =>
    (await run('tmux', ['-S', socket, '-f', '/dev/null', ...words])).stdout
  const env = Object.entries(home.env).map(([name, value]) => `${name}=${value}`)
  const redirection = errors === undefined ? '' : `2> '${errors}'`
  const script = `"$@" ${redirection}; echo "${ENDED}$?"; exec cat`
  const program = ['env', '-i', ...env, 'sh', '-c', script, 'sh', findOpenCode(), ...args]
  const size = ['-x', String(columns), '-y', String(rows)]
  await tmux('new-session', '-d', ...size, '-c', home.projectDir, ...program)

  /** Through a file: what is typed may be secret, and arguments are for everybody to read. */
  async function paste(text: string): Promise<void> {
    const file = join(home.root, 'tmp', 'typed')
    await writeFile(file, text, { mode: 0o600 })
    await tmux('load-buffer', file)
    await rm(file)
    await tmux('paste-buffer', '-d')
  }

  return {
    /** What is on the screen now, wrapped lines joined. */
    screen: () => tmux('capture-pane', '-p', '-J'),
    /** The same with the colours. */
    styledScreen: () => tmux('capture-pane', '-p', '-J', '-e'),
    /** Types the text as it is, then the Enter key. */
    enter: async (text = '') => {
      if (text !== '') await paste(text)
      await tmux('send-keys', 'Enter')
    },
    /** Types the text alone. */
    type: async (text: string) => {
      await tmux('send-keys', '-l', '--', text)
    },
    /** Presses a key by its name: `Escape`, `C-c`, `Down`. */
    press: async (key: string) => {
      await tmux('send-keys', key)
    },
    close: () => tmux('kill-server'),
  }
}

export type Terminal = Awaited<ReturnType<typeof openTerminal>>
