import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createFileStore } from '../../src/store/file.ts'
import { withLock } from '../../src/store/lock.ts'
import { adding, contents, temporaryFolder, uuids } from './examples.ts'
import { startProgram } from '../runtime/program.ts'
import { RUNTIMES } from '../runtime/runtimes.ts'

describe.each(RUNTIMES)('processes in %s', (runtime) => {
  it('lose none of 50 updates each that two of them make at once', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'accounts.json')
    const programs = ['one', 'two'].map((name) =>
      startProgram(
        new URL('programs/add-accounts.ts', import.meta.url),
        [file, name, '50'],
        runtime,
      ),
    )
    expect(await Promise.all(programs.map(async (program) => program.line()))).toEqual(['50', '50'])
    await Promise.all(programs.map(async (program) => program.ended()))
    const result = await createFileStore({ file, now: Date.now }).read()
    expect(new Set(uuids(result)).size).toBe(100)
    expect(result).toMatchObject({ document: { rev: 100 } })
    expect(Object.keys(contents(folder))).toEqual([
      'accounts.json',
      'accounts.json.bak-0',
      'accounts.json.bak-1',
    ])
  }, 30_000)

  it('are let in within a second after the holder of the lock was killed', async () => {
    const file = join(temporaryFolder(), 'accounts.json')
    const holder = startProgram(new URL('programs/hold-lock.ts', import.meta.url), [file], runtime)
    expect(await holder.line()).toBe('held')
    holder.child.kill('SIGKILL')
    await holder.ended()
    const begun = performance.now()
    const result = await createFileStore({ file, now: Date.now }).update(adding('one'))
    expect(uuids(result)).toEqual(['one'])
    expect(performance.now() - begun).toBeLessThan(1_000)
  }, 20_000)

  it.skipIf(process.platform !== 'linux')(
    'are let in within a second after the holder was stopped by a signal, where there is a /proc',
    async () => {
      const file = join(temporaryFolder(), 'accounts.json')
      const script = new URL('programs/hold-lock.ts', import.meta.url)
      const holder = startProgram(script, [file], runtime)
      expect(await holder.line()).toBe('held')
      holder.child.kill('SIGSTOP')
      const begun = performance.now()
      const result = await createFileStore({ file, now: Date.now }).update(adding('one'))
      expect(uuids(result)).toEqual(['one'])
      expect(performance.now() - begun).toBeLessThan(1_000)
    },
    20_000,
  )

  it('wait for a holder that lives', async () => {
    const file = join(temporaryFolder(), 'accounts.json')
    const holder = startProgram(new URL('programs/hold-lock.ts', import.meta.url), [file], runtime)
    expect(await holder.line()).toBe('held')
    const result = await withLock(file, { deadlineMs: 200 }, async () => 'in')
    expect(result).toMatchObject({ ok: false, reason: 'busy' })
    expect(result).toMatchObject({ detail: expect.stringContaining(`${holder.child.pid}`) })
  }, 20_000)

  it('see what others write', async () => {
    const file = join(temporaryFolder(), 'accounts.json')
    const store = createFileStore({ file, now: Date.now })
    await store.update(adding('start'))
    const follower = startProgram(new URL('programs/follow.ts', import.meta.url), [file], runtime)
    expect(await follower.line()).toBe('watching')
    for (const name of ['a', 'b', 'c', 'end']) {
      await store.update(adding(name))
      await vi.waitFor(async () => expect(await follower.line()).toContain(name), 5_000)
    }
    expect(await follower.ended()).toBe(0)
  }, 20_000)

  it('end by themselves although they watch', async () => {
    const folder = temporaryFolder()
    const watcher = startProgram(
      new URL('programs/watch-only.ts', import.meta.url),
      [join(folder, 'accounts.json')],
      runtime,
    )
    expect(await watcher.line()).toBe('done')
    expect(await watcher.ended()).toBe(0)
  }, 20_000)
})
