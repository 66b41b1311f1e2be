/** Runs vitest with the given arguments, and fails when a secret of the fakes gets out of it. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findSecret } from './canary/forms.ts'

const LOOK_MS = 200
/** Longer than any secret: one may lie across two pieces of output. */
const OVERLAP = 64

const leaks = new Set<string>()
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
)
const child = spawn(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  stdio: ['inherit', 'pipe', 'pipe'],
  env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
})
for (const [name, from, to] of [
  ['stdout', child.stdout, process.stdout],
  ['stderr', child.stderr, process.stderr],
] as const) {
  let tail = ''
  from.on('data', (piece: Buffer) => {
    to.write(piece)
    const text = tail + piece.toString('latin1')
    if (findSecret(text) !== undefined) leaks.add(name)
    tail = text.slice(-OVERLAP)
  })
}
const looking = existsSync('/proc') ? setInterval(lookAtArguments, LOOK_MS) : undefined

child.once('close', (code) => {
  clearInterval(looking)
  if (readdirSync(tmpdir()).some((name) => findSecret(name) !== undefined)) {
    leaks.add('the name of a temporary file')
  }
  for (const place of leaks) process.stderr.write(`A secret got into ${place}.\n`)
  process.exitCode = leaks.size > 0 ? 1 : (code ?? 1)
})

/** Everybody on a machine can read the arguments of its processes. */
function lookAtArguments(): void {
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    const [program = '', ...rest] = argumentsOf(pid).split('\0')
    if (findSecret(rest.join(' ')) === undefined) continue
    const script = rest.find((word) => word.endsWith('.ts')) ?? ''
    leaks.add(`the arguments of ${program} ${script}`)
  }
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}
