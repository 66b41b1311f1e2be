import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PAGES = [...pagesOf(''), ...pagesOf('docs', { recursive: true })]
/** Where a path may begin that a page names. */
const BEGINNINGS = ['', 'src', 'test', 'docs']

describe('the documentation', () => {
  it('links to files and headings that are there', () => {
    const links = PAGES.flatMap(linksOf)
    expect(links.length).toBeGreaterThan(50)
    expect(links.filter(({ to, heading }) => !leadsThere(to, heading))).toEqual([])
  })

  it('can be reached from the README, page by page', () => {
    const reached = new Set(['README.md'])
    for (const page of reached) {
      for (const { to } of page.endsWith('.md') ? linksOf(page) : []) reached.add(to)
    }
    expect(PAGES.filter((page) => !reached.has(page))).toEqual([])
  })

  it('names files that are there', () => {
    const named = PAGES.flatMap((page) =>
      [...read(page).matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:tsx?|mjs|md|json|css))`/g)].map(
        ([, path = '']) => ({ page, path }),
      ),
    )
    expect(named.length).toBeGreaterThan(50)
    expect(
      named.filter(({ path }) => !BEGINNINGS.some((start) => existsSync(join(ROOT, start, path)))),
    ).toEqual([])
  })

  it.each(['src', 'test'])('has every folder of %s in its overview', (parent) => {
    const overview = read('docs/architecture.md')
    const folders = readdirSync(join(ROOT, parent), { withFileTypes: true })
    const names = folders.filter((each) => each.isDirectory()).map(({ name }) => name)
    const isNamed = (name: string) =>
      overview.includes(`\`src/${name}/\``) || overview.includes(`\`${name}/\``)
    expect(names.filter((name) => !isNamed(name))).toEqual([])
  })
})

interface Link {
  readonly page: string
  /** From the root of the project. */
  readonly to: string
  readonly heading: string | undefined
}

/** The links of a page that stay within the project. */
function linksOf(page: string): readonly Link[] {
  const text = read(page).replace(/```[^]*?```/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, url = '']) => {
    if (/^https?:/.test(url)) return []
    const [path = '', heading] = url.split('#')
    return [{ page, to: path === '' ? page : normalize(join(dirname(page), path)), heading }]
  })
}

function leadsThere(to: string, heading: string | undefined): boolean {
  if (!existsSync(join(ROOT, to))) return false
  if (heading === undefined) return true
  return [...read(to).matchAll(/^#+ (.*)$/gm)].some(([, text = '']) => anchorOf(text) === heading)
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function pagesOf(folder: string, options: { recursive?: boolean } = {}): readonly string[] {
  return readdirSync(join(ROOT, folder), { ...options, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}
