import { readFile, readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { StateMachine } from 'xstate'
import { DRAWN, ROOT, chartFiles } from './files.ts'

describe('the charts in docs/machines and in the pages', () => {
  it('are those of the machines as they are', async () => {
    const stale: string[] = []
    for (const [path, text] of await chartFiles()) {
      const committed = await readFile(new URL(path, ROOT), 'utf8').catch(() => undefined)
      if (committed !== text) stale.push(path)
    }
    expect(stale, 'these files are out of date: run npm run charts').toEqual([])
  })

  it('are the same each time', async () => {
    expect([...(await chartFiles())]).toEqual([...(await chartFiles())])
  })

  it('show every machine, and nothing else', async () => {
    const folder = new URL('machines/', ROOT)
    const found: string[] = []
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.ts'))) {
      const exported: Record<string, unknown> = await import(new URL(file, folder).href)
      for (const value of Object.values(exported)) {
        if (value instanceof StateMachine) found.push(value.id)
      }
    }
    expect(DRAWN.map(({ machine }) => machine.id).toSorted()).toEqual(found.toSorted())
    const drawn = (await readdir(new URL('docs/machines/', ROOT))).filter(
      (name) => name !== 'README.md',
    )
    expect(drawn.toSorted()).toEqual(found.flatMap((id) => [`${id}.mmd`, `${id}.svg`]).toSorted())
  })

  it('stand in the pages', async () => {
    const files = await chartFiles()
    const pages = [files.get('README.md'), files.get('docs/machines/README.md')]
    expect(pages[0]).toContain(files.get('docs/machines/account.mmd'))
    for (const { machine } of DRAWN) {
      expect(pages[1]).toContain(files.get(`docs/machines/${machine.id}.mmd`))
      expect(pages[1]).toContain(`(${machine.id}.svg)`)
    }
  })
})
