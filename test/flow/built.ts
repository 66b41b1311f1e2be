import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** This checkout; `npm test` has built it. */
export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
/** The built entry, as it stands in a `plugin` list. */
export const ENTRY = pathToFileURL(join(CHECKOUT, 'dist/index.js')).href

/** Packs this checkout as npm would publish it. */
export async function pack(folder: string): Promise<string> {
  const flags = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { stdout } = await run('npm', flags, { cwd: CHECKOUT })
  const [packed]: { filename: string }[] = JSON.parse(stdout)
  if (packed === undefined) throw new Error('npm pack named no file')
  return join(folder, packed.filename)
}

/** Installs a tarball into an empty folder, offline, and gives the package's folder back. */
export async function install(tarball: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rota-install-'))
  const flags = ['install', '--offline', '--no-audit', '--no-fund', '--prefix', folder, tarball]
  await run('npm', flags, { cwd: folder })
  return join(folder, 'node_modules', 'opencode-rota')
}
