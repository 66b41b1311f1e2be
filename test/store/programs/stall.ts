/**
 * Adds the account `stalled` to `file`, and stops itself at a step of the update. Prints `again`
 * when it has given its lock back and asks for it anew, and in the end what became of the update.
 * With `ending` it ends by a kill as soon as it has replaced the file.
 */
import fs from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { secret } from '../../../src/secret.ts'
import { parseDocument } from '../../../src/store/document.ts'
import { createFileStore } from '../../../src/store/file.ts'
import { type DiskStep, callsOf, listening } from '../disk.ts'

const [file = '', where = '', end = ''] = process.argv.slice(2)

/** A step is over when the next call begins. */
const NEXT_CALL: Readonly<Record<string, (step: DiskStep) => boolean>> = {
  'after it took the lock': ({ call, path }) => call === 'open' && path === file,
  'after it wrote the temporary file': ({ call }) => call === 'lstatSync' && isWritten,
  'between its last look and the rename': ({ call, args }) =>
    call === 'renameSync' && args[1] === file,
  'after the rename': ({ call }) => call === 'lstatSync' && isRenamed,
  'after the last look at its lock': ({ path }) => path.includes('.bak-') && isRenamed,
}
let isWritten = false
let isRenamed = false
let isOver = false
let locks = 0

Object.assign(fs, callsOf(fs))
Object.assign(promises, callsOf(promises))
syncBuiltinESMExports()

const listener = {
  before(step: DiskStep) {
    if (NEXT_CALL[where]?.(step) === true) stop()
    if (step.call !== 'mkdirSync' || step.path !== `${file}.lock`) return
    locks += 1
    if (locks === 2) console.log('again')
  },
  after({ call, path, args }: DiskStep) {
    if (call === 'file.writeFile' && path.includes('.tmp')) isWritten = true
    if (call !== 'renameSync' || args[1] !== file) return
    isRenamed = true
    if (end === 'ending') process.kill(process.pid, 'SIGKILL')
  },
}
const result = await listening(listener, async () =>
  createFileStore({ file, now: Date.now }).update((document) => {
    if (where === 'after it read the file') stop()
    return { ...document, accounts: [...document.accounts, ...added()] }
  }),
)
console.log(result.ok ? 'written' : result.problem.message)

/** Once: the next try is to get through. */
function stop(): void {
  if (isOver) return
  isOver = true
  process.kill(process.pid, 'SIGSTOP')
  // Another thread may be the one that gets the signal, some µs later.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
}

function added() {
  const parsed = parseDocument('{"version":1,"accounts":[{"uuid":"stalled","refreshToken":"x"}]}')
  const accounts = parsed.ok ? parsed.document.accounts : []
  return accounts.map((account) => ({ ...account, refreshToken: secret('rt-stalled') }))
}
