import { readFile, readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'

const DOCS = new URL('../../../docs/', import.meta.url)

describe('the page about the menu', () => {
  it('shows what the real OpenCode shows', async () => {
    const page = await readFile(new URL('accounts.md', DOCS), 'utf8')
    const shown = [...page.matchAll(/<!-- (screens\/.*?) -->\n\n```text\n([^]*?)```/g)]
    expect(shown.length).toBeGreaterThan(5)
    for (const [, file = '', text] of shown) {
      expect([file, text]).toEqual([file, await readFile(new URL(file, DOCS), 'utf8')])
    }
  })

  it('leaves no value of a run in a screen', async () => {
    for (const name of await readdir(new URL('screens/', DOCS))) {
      const text = await readFile(new URL(`screens/${name}`, DOCS), 'utf8')
      expect(`${name}: ${text}`).not.toMatch(/127\.0\.0\.1|rota-home|canary|\d:\d\d (AM|PM)/)
    }
  })
})
