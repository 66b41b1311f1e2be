/** Looks at a process of another user. Prints what the system and what `isAlive` say of it. */
import * as v from 'valibot'
import { isAlive, ownerSchema } from '../../../src/store/owner.ts'
import { errorCode } from '../../../src/store/target.ts'

const NOBODY = 65_534
const record = v.parse(v.pipe(v.string(), v.parseJson(), ownerSchema), process.argv[2])
// Only root can become another user; everybody else looks at root's first process.
const isRoot = process.getuid?.() === 0
const { startTime: _, ...first } = { ...record, pid: 1 }
if (isRoot) process.setuid?.(NOBODY)
const looked = isRoot ? record : first
console.log(`${answerFor(looked.pid)} ${isAlive(looked)}`)

function answerFor(pid: number): string {
  try {
    process.kill(pid, 0)
    return 'allowed'
  } catch (error) {
    return errorCode(error)
  }
}
