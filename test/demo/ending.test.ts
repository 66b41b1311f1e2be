import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
    ['SIGHUP', 'anthropic: Go on', 129],
  ] as const)('leaves nothing behind when %s comes at "%s"', async (signal, line, code) => {
    const folder = await mkdtemp(join(tmpdir(), 'rota-ended-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const env = { ...process.env, TMPDIR: folder, NO_COLOR: '1' }
    const demo = spawn(process.execPath, ['--import', TSX, DEMO], { env })
    const ended = once(demo, 'exit')
    let said = ''
    demo.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
    await expect.poll(() => said, { timeout: START_MS }).toContain(line)
    demo.kill(signal)
    expect(await ended).toEqual([code, null])
    const left = (await readdir(folder)).filter((name) => !name.startsWith('tsx-'))
    expect(left).toEqual([])
    expect(await openCodeIn(folder)).toEqual([])
  })
})

/** The processes that work in a folder that was there. */
async function openCodeIn(folder: string): Promise<readonly string[]> {
  const { stdout } = spawn('ps', ['-eo', 'pid,args', 'e'])
  let text = ''
  for await (const piece of stdout) text += String(piece)
  return text.split('\n').filter((line) => line.includes(folder) && !line.includes('vitest'))
}
