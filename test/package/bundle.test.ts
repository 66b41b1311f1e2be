import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { CHECKOUT, ENTRY } from '../flow/built.ts'
import { findOpenCode } from '../runtime/opencode.ts'

const run = promisify(execFile)

describe('the built plugin', () => {
  let source: string

  beforeAll(async () => {
    source = await readFile(new URL(ENTRY), 'utf8')
  })

  it('exports exactly one plugin function per provider', async () => {
    const entry: Record<string, unknown> = await import(ENTRY)
    expect(Object.entries(entry).map(([name, value]) => [name, typeof value])).toEqual([
      ['anthropicAccounts', 'function'],
      ['openaiAccounts', 'function'],
    ])
  })

  it('needs nothing but Node’s own modules', () => {
    const imported = source.matchAll(/(?:^|[;}\n])import[^;'"()]*["']([^"']+)["']/g)
    const names = [...imported].map(([, name = '']) => name)
    expect(names).toContain('node:path')
    expect(names.filter((name) => !isBuiltin(name))).toEqual([])
    expect(source).not.toMatch(/\brequire\(["'](?!node:)/)
  })

  it('holds the production build of xstate', () => {
    // Words of the development build's warnings.
    expect(source).not.toContain('is not imperative')
    expect(source).not.toContain('should not call')
  })

  it.each([
    ['Node', process.execPath, {}],
    ['the Bun in OpenCode', findOpenCode(), { BUN_BE_BUN: '1' }],
  ])('leaves signals, stdout and fs of the process alone in %s', async (_name, command, env) => {
    const program = `
      import fs from 'node:fs'
      const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGPIPE']
      const before = JSON.stringify(Object.values(fs).map((value) => typeof value === 'function' ? value.name : ''))
      const close = fs.close, exit = process.reallyExit, emit = process.emit
      await import(${JSON.stringify(ENTRY)})
      const listeners = signals.flatMap((signal) => process.listeners(signal))
      process.stdout.write(JSON.stringify({
        listeners: listeners.length,
        fs: fs.close === close && before === JSON.stringify(Object.values(fs).map((value) => typeof value === 'function' ? value.name : '')),
        process: process.reallyExit === exit && process.emit === emit,
      }))`
    const flags = command === process.execPath ? ['--input-type=module', '-e'] : ['-e']
    const { stdout, stderr } = await run(command, [...flags, program], {
      cwd: CHECKOUT,
      env: { ...process.env, ...env },
    })
    expect([stdout, stderr]).toEqual(['{"listeners":0,"fs":true,"process":true}', ''])
  })

  it('names no type of xstate in the declarations of the library', async () => {
    const types = await readFile(new URL('core.d.ts', ENTRY), 'utf8')
    expect(types).not.toMatch(/xstate|valibot|ActorRef|Snapshot/)
    expect(types).toContain('createAccountPool')
  })
})
