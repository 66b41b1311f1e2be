import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHECKOUT } from '../flow/built.ts'

const run = promisify(execFile)

/** What each folder may import beside itself, as the table in `docs/architecture.md` has it. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  machines: [],
  'src/provider': ['machines'],
  'src/store': ['machines'],
  'src/config': ['src/provider', 'src/store'],
  'src/pool': ['machines', 'src/provider', 'src/store', 'src/config'],
  'src/request': ['machines', 'src/provider', 'src/pool'],
  'src/login': ['machines', 'src/provider', 'src/store', 'src/loopback'],
  'src/loopback': [],
  'src/accounts': ['src/provider', 'src/store', 'src/login'],
  'src/inspect': ['machines', 'src/provider', 'src/pool', 'src/loopback'],
  'src/page': [],
  // And every folder but the page.
  'src/host': ['src/assemble.ts'],
}
const ALL = Object.keys(FOLDERS)
/** What puts the folders together. */
const TOP = ['plugin', 'index', 'core', 'account-pool', 'assemble'].map((name) => `src/${name}.ts`)

const FILES = ['src/store', 'src/config', 'src/host', 'src/inspect/pages.ts']
/** Folders and files that may import a module that comes from outside. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  '@clack/prompts': ['src/host/menu/screen.ts'],
  '@opencode-ai/plugin': ['src/host', 'src/plugin.ts'],
  chokidar: ['src/store/watch.ts'],
  'eventsource-parser': ['src/request/events.ts'],
  jose: ['src/provider'],
  oauth4webapi: ['src/login', 'src/provider'],
  preact: ['src/page'],
  'preact/hooks': ['src/page'],
  'proper-lockfile': ['src/store/lock.ts'],
  xstate: ['machines', 'src/pool'],
  'node:fs': FILES,
  'node:fs/promises': FILES,
}

/** A file of each folder, and those that have rules of their own. */
const IMPORTERS = [
  ...ALL.map((folder) => `${folder}/anything.ts`),
  // The rules of the page are for a folder without folders.
  ...ALL.filter((folder) => folder !== 'src/page').map((folder) => `${folder}/deeper/anything.ts`),
  ...Object.values(OWNERS).flatMap((owners) => owners.filter((owner) => owner.endsWith('.ts'))),
  'src/anything.ts',
]
const TARGETS = [...ALL.map((folder) => `${folder}/some.ts`), ...TOP, ...Object.keys(OWNERS)]

/** What the page may import of the rest, and beside each what it may not. */
const PAGE = {
  allowed: [
    "import { words } from '../pool/narrate.ts'",
    "import { plan } from '../pool/status.ts'",
    "import type { Picture } from '../inspect/picture.ts'",
    "import type { LimitRecord } from '../../machines/limits.ts'",
    "import { bars } from './bars.ts'",
  ],
  refused: [
    "import type { Pool } from '../pool/pool.ts'",
    "import { picture } from '../inspect/picture.ts'",
    "import { limits } from '../../machines/limits.ts'",
    "import type { World } from '../world.ts'",
    "import { join } from 'node:path'",
    "import { object } from 'valibot'",
  ],
}

describe('the lint rules', () => {
  let root: string
  let refused: ReadonlySet<string>

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rota-imports-'))
    const imports = IMPORTERS.map(
      (importer) => [importer, TARGETS.map(importOf(importer))] as const,
    )
    const page = ['src/page/shared.ts', [...PAGE.allowed, ...PAGE.refused]] as const
    refused = await lint(root, new Map([...imports, page]))
  }, 60_000)
  afterAll(() => rm(root, { recursive: true, force: true }))

  it.each([...new Set(IMPORTERS)])(
    'refuse what %s may not import, and nothing else',
    (importer) => {
      const mayNot = TARGETS.filter((target) => !mayImport(importer, target))
      const lineOf = importOf(importer)
      const are = TARGETS.filter((target, at) => refused.has(`${importer}: ${lineOf(target, at)}`))
      expect(are).toEqual(mayNot)
    },
  )

  it('let the page share words, but of the picture and the machines only types', () => {
    const all = [...PAGE.allowed, ...PAGE.refused]
    expect(all.filter((line) => refused.has(`src/page/shared.ts: ${line}`))).toEqual(PAGE.refused)
  })
})

function mayImport(importer: string, target: string): boolean {
  const owners = OWNERS[target]
  if (owners !== undefined) return owners.some((owner) => isIn(importer, owner))
  const folder = ALL.find((each) => isIn(importer, each))
  const isBelow = ALL.some((each) => each !== 'src/page' && isIn(target, each))
  if (folder === undefined) return isBelow || TOP.includes(target)
  if (folder === 'src/host' && isBelow) return true
  return [folder, ...(FOLDERS[folder] ?? [])].some((allowed) => isIn(target, allowed))
}

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`)
}

/** The lines of these files, each an import, that are refused: "file: line". */
async function lint(
  root: string,
  files: ReadonlyMap<string, readonly string[]>,
): Promise<ReadonlySet<string>> {
  const rules: object = JSON.parse(await readFile(join(CHECKOUT, '.oxlintrc.json'), 'utf8'))
  // Without types: they take a program of their own, and time.
  await writeFile(join(root, '.oxlintrc.json'), JSON.stringify({ ...rules, options: {} }))
  for (const [file, lines] of files) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), lines.join('\n'))
  }
  const oxlint = join(CHECKOUT, 'node_modules/oxlint/bin/oxlint')
  const { stdout } = await run(process.execPath, [oxlint, '--format', 'json'], { cwd: root }).catch(
    (failed: { stdout: string }) => failed,
  )
  const { diagnostics }: { diagnostics: readonly Diagnostic[] } = JSON.parse(stdout)
  const restricted = diagnostics.filter(({ code }) => code === 'eslint(no-restricted-imports)')
  return new Set(
    restricted.map(({ filename, labels: [label] }) => {
      const line = files.get(filename)?.[(label?.span.line ?? 0) - 1]
      return `${filename}: ${line}`
    }),
  )
}

interface Diagnostic {
  readonly code: string
  readonly filename: string
  readonly labels: readonly { span: { line: number } }[]
}

function importOf(importer: string) {
  return (target: string, at: number) =>
    `import { some as some${at} } from '${specifierOf(importer, target)}'`
}

function specifierOf(importer: string, target: string): string {
  if (target in OWNERS) return target
  const path = relative(dirname(importer), target)
  return path.startsWith('.') ? path : `./${path}`
}
