import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from './examples.ts'

const PROGRAM = fileURLToPath(new URL('programs/bad-disk.ts', import.meta.url))
const NODE = [process.execPath, '--import', 'tsx', PROGRAM]
/** A user and a mount namespace: what is mounted in it exists for the program alone. */
const NAMESPACE = ['unshare', '-Urm', '--']

const HAS_NAMESPACES =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-Urm', '--', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
const WHY_NOT = HAS_NAMESPACES ? '' : ' (skipped: this system gives no mount namespaces)'
const IS_ROOT = process.getuid?.() === 0

describe(`a real disk${WHY_NOT}`, () => {
  it.runIf(HAS_NAMESPACES).each([
    ['full', 'the disk is full (ENOSPC). Free some space.'],
    ['nearly-full', 'the disk is full (ENOSPC). Free some space.'],
    ['read-only', 'the disk is read-only (EROFS). Make it writable.'],
  ])('that is %s keeps the old file, takes nothing, and works again after', async (kind, why) => {
    const { during, ...rest } = await meet(kind, NAMESPACE)
    expect(rest).toMatchObject({ before: 'a', isIntact: true, after: 'a c' })
    expect(during).toMatchObject({
      update: `The accounts file FILE cannot be written: ${why}`,
      read: 'a',
    })
    expect(during.names.filter((name) => name !== 'filler')).toEqual([
      'accounts.json',
      'accounts.json.bak-1',
    ])
  })
})

describe('the limits of a process', () => {
  it.runIf(process.platform === 'linux')('on open files make no file a missing one', async () => {
    const { during, ...rest } = await meet('files', ['sh', '-c', 'ulimit -n 100; exec "$@"', 'sh'])
    expect(rest).toMatchObject({ before: 'a', isIntact: true, after: 'a c' })
    const why =
      'this process has too many files open (EMFILE). Start it anew, or raise "ulimit -n".'
    expect(during.read).toBe(`The accounts file FILE cannot be read: ${why}`)
    expect(during.update).toBe(`The accounts file FILE cannot be read: ${why}`)
    expect(during.names).toEqual(['accounts.json', 'accounts.json.bak-1'])
  })

  it.runIf(IS_ROOT)('on what it may read make no file a missing one', async () => {
    const { during } = await meet('forbidden', [])
    const why = 'permission is denied (EACCES). Give yourself access to it and to its folder'
    expect(during.read).toContain(`The accounts file FILE cannot be read: ${why}`)
    expect(during.update).toContain(`The accounts file FILE cannot be read: ${why}`)
  })
})

interface Said {
  readonly before: string
  readonly during: { readonly update: string; readonly read: string; readonly names: string[] }
  readonly isIntact: boolean
  readonly after: string
}

async function meet(kind: string, prefix: readonly string[]): Promise<Said> {
  const [command, ...args] = [...prefix, ...NODE, kind, temporaryFolder()] as const
  const { stdout } = await promisify(execFile)(command, args)
  const said: Said = JSON.parse(stdout)
  return said
}
