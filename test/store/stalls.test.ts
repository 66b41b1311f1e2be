import { readFileSync, readdirSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createFileStore } from '../../src/store/file.ts'
import { withLock } from '../../src/store/lock.ts'
import { startProgram } from '../runtime/program.ts'
import { type Runtime } from '../runtime/runtimes.ts'
import { adding, temporaryFolder, uuids } from './examples.ts'

const STALL = new URL('programs/stall.ts', import.meta.url)
/** Where a holder of the lock is stopped; the last look is followed by the rename at once. */
const STEPS = [
  'after it took the lock',
  'after it read the file',
  'after it wrote the temporary file',
  'between its last look and the rename',
  'after the rename',
  'after the last look at its lock',
] as const
const LONG_AGO = new Date(Date.now() - 60_000)

describe.runIf(process.platform === 'linux')('a writer that is stopped', () => {
  it.each(STEPS)('%s, for longer than its lock lasts, takes nothing from others', async (step) => {
    const { file, store, stalled } = await stalledWriter(step)
    for (const uuid of OTHERS) await store.update(adding(uuid))
    const lines: string[] = []
    const held = await withLock(file, { deadlineMs: 5_000 }, async (lock) => {
      stalled.child.kill('SIGCONT')
      // By now it has given back what it thought was its lock.
      lines.push(await stalled.line())
      return lock.held()
    })
    expect(held).toEqual({ ok: true, value: true })
    if (lines[0] === 'again') lines.push(await stalled.line())
    expect(lines.at(-1)).toBe('written')
    expect(await stalled.ended()).toBe(0)
    await expectAllIn(file, [...OTHERS, 'stalled'])
  })

  it.each(STEPS)('%s, and then killed, takes nothing from others', async (step) => {
    const { file, store, stalled } = await stalledWriter(step)
    for (const uuid of OTHERS) await store.update(adding(uuid))
    stalled.child.kill('SIGKILL')
    await stalled.ended()
    expect(uuids(await store.read())).toEqual(expect.arrayContaining([...OTHERS]))
    expect(uuids(await open(file).update(adding('next')))).toEqual(
      expect.arrayContaining(['first', ...OTHERS, 'next']),
    )
  })

  it('and ends right after it has replaced what another wrote, takes nothing from it', async () => {
    const { file, store, stalled } = await stalledWriter(STEPS[3], 'node', 'ending')
    await store.update(adding('other'))
    stalled.child.kill('SIGCONT')
    await stalled.ended()
    expect(uuids(await open(file).read())).toEqual(['first', 'stalled'])
    expect(uuids(await open(file).update(adding('next'))).toSorted()).toEqual([
      'first',
      'next',
      'other',
      'stalled',
    ])
  })

  it('in the OpenCode binary takes nothing from others either', async () => {
    const { file, store, stalled } = await stalledWriter('after it read the file', 'opencode')
    for (const uuid of OTHERS) await store.update(adding(uuid))
    stalled.child.kill('SIGCONT')
    expect(await stalled.line()).toBe('written')
    expect(await stalled.ended()).toBe(0)
    await expectAllIn(file, [...OTHERS, 'stalled'])
  }, 20_000)
})

const OTHERS = ['one', 'two', 'three']

/** For readers, and for a writer that has seen nothing of it; and nothing is left over. */
async function expectAllIn(file: string, wanted: readonly string[]): Promise<void> {
  const all = ['first', ...wanted].toSorted()
  expect(uuids(await open(file).read()).toSorted()).toEqual(all)
  expect(uuids(await open(file).update(adding('next'))).toSorted()).toEqual(
    [...all, 'next'].toSorted(),
  )
  expect(readdirSync(dirname(file))).toEqual([NAME, `${NAME}.bak-0`, `${NAME}.bak-1`])
}

const NAME = 'accounts.json'

/** A writer that stands still at `step`, and whose lock has become stale. */
async function stalledWriter(step: string, runtime: Runtime = 'node', end = 'going on') {
  const file = join(temporaryFolder(), NAME)
  const store = open(file)
  await store.update(adding('first'))
  const stalled = startProgram(STALL, [file, step, end], runtime)
  await vi.waitFor(() => expect(stateOf(stalled.child.pid)).toBe('T'), WAIT)
  utimesSync(`${file}.lock`, LONG_AGO, LONG_AGO)
  return { file, store, stalled }
}

const WAIT = { timeout: 10_000, interval: 5 }

function open(file: string) {
  return createFileStore({ file, now: Date.now, lockWaitMs: 5_000 })
}

/** `T` = stopped. */
function stateOf(pid: number | undefined): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
}
