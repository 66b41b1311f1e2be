import { spawn } from 'node:child_process'

/** What opens a page, and what comes before the address. None of them is a shell. */
const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}
const OTHER_OPENER = ['xdg-open'] as const

/**
 * Shows a page to the person: OpenCode 1.18 only prints its address. False where there is no
 * display. The address must hold no secret, for everybody on the machine can read it.
 */
export function openBrowser(url: string): boolean {
  if (!hasDisplay()) return false
  const [command, ...args] = OPENERS[process.platform] ?? OTHER_OPENER
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
  // There may be no such program: the address is on the screen all the same.
  child.once('error', () => {})
  child.unref()
  return true
}

function hasDisplay(): boolean {
  const { env, platform } = process
  if (platform === 'darwin' || platform === 'win32') return !env['SSH_CONNECTION']
  return Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY'])
}
