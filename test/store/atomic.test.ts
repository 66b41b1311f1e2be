import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { prepareWrite, writeAtomically } from '../../src/store/atomic.ts'
import { stampAt } from '../../src/store/target.ts'
import { contents, temporaryFolder } from './examples.ts'

const IS_ROOT = process.getuid?.() === 0

describe('an atomic write', () => {
  it('makes a file that only its owner can read', async () => {
    const file = join(temporaryFolder(), 'file')
    expect(await writeAtomically(file, 'text')).toBe('written')
    expect(readFileSync(file, 'utf8')).toBe('text')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('closes a file that others could read', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, 'old', { mode: 0o644 })
    await writeAtomically(file, 'new')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('leaves nothing but the file', async () => {
    const folder = temporaryFolder()
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        writeAtomically(join(folder, 'file'), `${index}`.repeat(50_000)),
      ),
    )
    expect(Object.keys(contents(folder))).toEqual(['file'])
    expect(new Set(contents(folder)['file']?.match(/\d{1,2}/g)).size).toBeLessThan(3)
  })

  it('tells the stamp of the new file at the moment it is there', async () => {
    const file = join(temporaryFolder(), 'file')
    const stamps: string[] = []
    await writeAtomically(file, 'text', {
      onWritten: (stamp) => stamps.push(stamp, stampAt(file)),
    })
    expect(stamps).toEqual([stampAt(file), stampAt(file)])
  })

  it('changes nothing when the check says no', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    writeFileSync(file, 'old')
    expect(await writeAtomically(file, 'new', { check: () => false })).toBe('refused')
    expect(contents(folder)).toEqual({ file: 'old' })
  })

  it('is prepared without touching the target, and can be given up', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    const write = await prepareWrite(file, 'text')
    expect(Object.keys(contents(folder))).toEqual([expect.stringMatching(/^\.file\..*\.tmp$/)])
    await write.discard()
    await write.discard()
    expect(contents(folder)).toEqual({})
  })

  it('writes through a symbolic link and keeps it', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'real'))
    writeFileSync(join(folder, 'real', 'file'), 'old')
    symlinkSync('real/file', join(folder, 'link'))
    symlinkSync('link', join(folder, 'link-to-link'))
    await writeAtomically(join(folder, 'link-to-link'), 'new')
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true)
    expect(contents(join(folder, 'real'))).toEqual({ file: 'new' })
  })

  it('writes through a symbolic link to a file that does not exist yet', async () => {
    const folder = temporaryFolder()
    symlinkSync('real', join(folder, 'link'))
    await writeAtomically(join(folder, 'link'), 'new')
    expect(readlinkSync(join(folder, 'link'))).toBe('real')
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new')
  })

  it('refuses a file to which everyone may write', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), 'old')
    chmodSync(join(folder, 'file'), 0o666)
    await expect(writeAtomically(join(folder, 'file'), 'new')).rejects.toThrow('everyone may write')
    expect(contents(folder)).toEqual({ file: 'old' })
  })

  it.runIf(IS_ROOT)('refuses a file of another user', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), 'old')
    chownSync(join(folder, 'file'), 4_242, 4_242)
    await expect(writeAtomically(join(folder, 'file'), 'new')).rejects.toThrow('another user')
    expect(contents(folder)).toEqual({ file: 'old' })
  })

  it.each([
    ['a folder stands at its path', ['folder'], 'not a regular file'],
    ['there is no folder for it', ['missing', 'file'], 'ENOENT'],
    ['its name is too long', ['x'.repeat(300)], 'ENAMETOOLONG'],
    ['its path goes through a file', ['plain', 'file'], 'ENOTDIR'],
    ['its links go round in a circle', ['circle'], 'ELOOP'],
  ])('fails when %s, and leaves nothing over', async (_, path, message) => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'folder'))
    writeFileSync(join(folder, 'plain'), '')
    symlinkSync('circle', join(folder, 'circle'))
    const before = stampAt(folder)
    await expect(writeAtomically(join(folder, ...path), 'text')).rejects.toThrow(message)
    expect(stampAt(folder)).toBe(before)
  })
})
