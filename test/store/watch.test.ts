import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { watchFile } from '../../src/store/watch.ts'
import { temporaryFolder } from './examples.ts'

const WAIT = { timeout: 5_000, interval: 2 }

describe('watching a file', () => {
  it('tells when it appears, changes, is replaced and disappears', async () => {
    const file = join(temporaryFolder(), 'file')
    const heard = watching(file)
    writeFileSync(file, 'a')
    await expectToldAfter(heard, 0)
    writeFileSync(file, 'bb')
    await expectToldAfter(heard, 1)
    replace(file, 'ccc')
    await expectToldAfter(heard, 2)
    unlinkSync(file)
    await expectToldAfter(heard, 3)
  })

  it('tells of the last state of every burst', async () => {
    const file = join(temporaryFolder(), 'file')
    let seen = ''
    const heard = vi.fn<() => void>(() => {
      seen = written
    })
    onTestFinished(watchFile(file, heard))
    let written = ''
    for (let burst = 0; burst < 20; burst++) {
      for (let write = 0; write < 10; write++) {
        written = `${burst}/${write}`
        replace(file, written)
      }
      await vi.waitFor(() => expect(seen).toBe(written), WAIT)
    }
    expect(heard.mock.calls.length).toBeLessThan(100)
  }, 20_000)

  it('begins before the folder exists, and outlives its removal', async () => {
    const folder = join(temporaryFolder(), 'later')
    const heard = watching(join(folder, 'file'))
    for (const before of [0, 2]) {
      mkdirSync(folder)
      writeFileSync(join(folder, 'file'), 'text')
      await expectToldAfter(heard, before)
      rmSync(folder, { recursive: true })
      await expectToldAfter(heard, before + 1)
    }
  })

  it('follows a link to another folder, and its change', async () => {
    const folder = temporaryFolder()
    for (const name of ['one', 'two']) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'file'), name)
    }
    symlinkSync(join(folder, 'one', 'file'), join(folder, 'link'))
    const heard = watching(join(folder, 'link'))
    replace(join(folder, 'one', 'file'), 'changed')
    await expectToldAfter(heard, 0)
    symlinkSync(join(folder, 'two', 'file'), join(folder, 'new'))
    renameSync(join(folder, 'new'), join(folder, 'link'))
    await expectToldAfter(heard, 1)
  })

  it('tells of no other file of the folder', async () => {
    const folder = temporaryFolder()
    const [heard, other] = [watching(join(folder, 'file')), watching(join(folder, 'other'))]
    writeFileSync(join(folder, 'other'), 'text')
    await expectToldAfter(other, 0)
    expect(heard).not.toHaveBeenCalled()
  })

  it('goes on after a listener threw, for that listener and for others', async () => {
    const file = join(temporaryFolder(), 'file')
    const throwing = watching(file, () => {
      throw new Error('a bug in the listener')
    })
    const heard = watching(file)
    for (const before of [0, 1]) {
      replace(file, `${before}`)
      await expectToldAfter(throwing, before)
      await expectToldAfter(heard, before)
    }
  })

  it('goes on for others when one of them stops', async () => {
    const file = join(temporaryFolder(), 'file')
    const stopped = vi.fn<() => void>()
    const stop = watchFile(file, stopped)
    const heard = watching(file)
    await stop()
    await stop()
    writeFileSync(file, 'text')
    await expectToldAfter(heard, 0)
    expect(stopped).not.toHaveBeenCalled()
  })
})

function watching(file: string, listener: () => void = () => {}) {
  const heard = vi.fn<() => void>(listener)
  onTestFinished(watchFile(file, heard))
  return heard
}

async function expectToldAfter(heard: ReturnType<typeof watching>, calls: number): Promise<void> {
  await vi.waitFor(() => expect(heard.mock.calls.length).toBeGreaterThan(calls), WAIT)
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
