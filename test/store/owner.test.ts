import { describe, expect, it } from 'vitest'
import { isAlive, isSameProcess, newOwnerRecord } from '../../src/store/owner.ts'
import { startProgram } from '../runtime/program.ts'
import { temporaryFolder } from './examples.ts'

describe('the owner of a lock', () => {
  it('is alive while its process runs', () => {
    expect(isAlive(newOwnerRecord())).toBe('alive')
  })

  it('is dead when its process has ended', async () => {
    const program = startProgram(new URL('programs/hold-lock.ts', import.meta.url), [
      `${temporaryFolder()}/file`,
    ])
    await program.line()
    const record = { ...newOwnerRecord(), pid: program.child.pid ?? 0 }
    program.child.kill('SIGKILL')
    await program.ended()
    expect(isAlive(record)).toBe('dead')
  })

  it('is unknown when it lives on another machine', () => {
    expect(isAlive({ ...newOwnerRecord(), host: 'another', pid: 2 ** 22 })).toBe('unknown')
  })

  it('is unknown when it lives in another container', () => {
    expect(isAlive({ ...newOwnerRecord(), pidNamespace: 'pid:[1]' })).toBe('unknown')
  })

  it.runIf(process.platform === 'linux')('is alive as another user’s process', async () => {
    const record = JSON.stringify(newOwnerRecord())
    const program = startProgram(new URL('programs/look-at.ts', import.meta.url), [record])
    expect(await program.line()).toBe('EPERM alive')
  })

  it('is looked for here when the record names no host, as another program’s', async () => {
    expect(isAlive({ pid: process.ppid })).toBe('alive')
    expect(isAlive({ pid: 2 ** 22 + 1 })).toBe('dead')
  })

  it.runIf(process.platform === 'linux')('is dead when the machine was started anew', () => {
    expect(isAlive({ ...newOwnerRecord(), bootId: 'before' })).toBe('dead')
  })

  it.runIf(process.platform === 'linux')('is dead when another process has its number', () => {
    expect(isAlive({ ...newOwnerRecord(), startTime: '1' })).toBe('dead')
  })

  it('is this process in whatever it left, and no other one with its number', () => {
    const own = newOwnerRecord()
    expect(isSameProcess(newOwnerRecord(), own)).toBe(true)
    expect(isSameProcess({ pid: process.pid }, own)).toBe(true)
    expect(isSameProcess({ ...own, pid: process.ppid }, own)).toBe(false)
    for (const field of ['host', 'bootId', 'pidNamespace', 'startTime']) {
      expect(isSameProcess({ ...own, [field]: 'another' }, { ...own, [field]: 'one' })).toBe(false)
    }
  })

  it('has a new nonce each time', () => {
    expect(newOwnerRecord().nonce).not.toBe(newOwnerRecord().nonce)
  })
})
