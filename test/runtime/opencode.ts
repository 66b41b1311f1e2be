import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const PLATFORMS: Readonly<Record<string, string>> = {
  darwin: 'darwin',
  linux: 'linux',
  win32: 'windows',
}

/**
 * The real OpenCode, from the platform package that npm installed beside `opencode-ai`. Its own
 * `bin` is a copy made by a postinstall script, which may not have run.
 */
export function findOpenCode(): string {
  const platform = PLATFORMS[process.platform] ?? process.platform
  const base = `opencode-${platform}-${process.arch}`
  const file = platform === 'windows' ? 'opencode.exe' : 'opencode'
  const names = suffixes().map((suffix) => base + suffix)
  const require = createRequire(import.meta.url)
  for (const name of names) {
    try {
      const binary = join(dirname(require.resolve(`${name}/package.json`)), 'bin', file)
      if (existsSync(binary)) return binary
    } catch {
      // Not installed: the next one.
    }
  }
  throw new Error(
    `The OpenCode binary is not installed: none of ${names.join(', ')} was found. ` +
      'Run "npm ci" without --omit=optional.',
  )
}

/** The variants that run here, the fastest first. */
function suffixes(): readonly string[] {
  const isMusl = process.platform === 'linux' && existsSync('/etc/alpine-release')
  const cpus = hasAvx2() ? ['', '-baseline'] : ['-baseline', '']
  return isMusl ? cpus.map((cpu) => `${cpu}-musl`) : cpus
}

function hasAvx2(): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return true
  return /\bavx2\b/.test(readFileSync('/proc/cpuinfo', 'utf8'))
}
