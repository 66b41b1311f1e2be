import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const DEMO = fileURLToPath(new URL('run.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')
const START_MS = 60_000

describe('the demo', { timeout: START_MS }, () => {
  it.each([
    ['SIGINT', 'starting OpenCode', 130],
    ['SIGTERM', 'anthropic: Say hello', 143],
  ] as const)('leaves nothing behind when %s comes at "%s"', async (signal, line, code) => {
    const folder = await mkdtemp(join(tmpdir(), 'rota-ended-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const env = { ...process.env, TMPDIR: folder, NO_COLOR: '1' }
    const demo = spawn(process.execPath, ['--import', TSX, DEMO], { env })
    const ended = once(demo, 'exit')
    let said = ''
    demo.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
    await expect.poll(() => said, { timeout: START_MS }).toContain(line)
    expect(livingIn(folder)).toContain(String(demo.pid))
    demo.kill(signal)
    expect(await ended).toEqual([code, null])
    const left = (await readdir(folder)).filter((name) => !name.startsWith('tsx-'))
    expect(left).toEqual([])
    await expect.poll(() => livingIn(folder)).toEqual([])
  })
})

/** The processes whose environment names a folder. */
function livingIn(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^[0-9]+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder)
    } catch {
      // It has ended, or is somebody else's.
      return false
    }
  })
}
