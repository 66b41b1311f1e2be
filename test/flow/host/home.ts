import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expectNoSecretIn } from '../../canary/folder.ts'
import type { Fake } from '../../fake/fake.ts'
import type { Json } from '../../fake/json.ts'
import { environmentOf } from './environment.ts'

/** `"name@1.0.0"`, `"file:///abs"` …, with or without options. */
type PluginSpec = string | readonly [string, Json]

export interface HomeOptions {
  /** Each gets an accounts file and a config file whose `endpoints` lead to it. */
  readonly fakes?: readonly Fake[]
  /** Default: true. Without it the pool starts empty. */
  readonly hasAccounts?: boolean
  /** The `plugin` list of `opencode.json`. */
  readonly plugins?: readonly PluginSpec[]
  /** Files of `plugins/` in the config dir, name → source: loaded without being listed. */
  readonly pluginFiles?: Readonly<Record<string, string>>
  /** More fields of the plugin's config files, by provider id. */
  readonly settings?: Readonly<Record<string, Json>>
  /**
   * Sends the host itself to the fakes, by `provider.<id>.options.baseURL`. Without it only the
   * plugin's `endpoints` lead there.
   */
  readonly hasBaseUrls?: boolean
  /** More fields of `opencode.json`. */
  readonly config?: Json
  /** The host's own logins, `auth.json`. */
  readonly auth?: Json
  /** Files of the project, path → text. */
  readonly project?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

export interface Home {
  readonly root: string
  readonly configDir: string
  readonly projectDir: string
  readonly authFile: string
  readonly logFile: string
  readonly env: Readonly<Record<string, string>>
  /** The accounts file of a provider. */
  readonly accountsFile: (provider: string) => string
  /** The text of a file; undefined when there is none. */
  readonly read: (path: string) => Promise<string | undefined>
  /** Rejects when a secret of a fake stands where it does not belong. */
  readonly remove: () => Promise<void>
}

const ACCOUNTS_FILES: Readonly<Record<string, string>> = {
  anthropic: 'anthropic-multi-account-accounts.json',
  openai: 'openai-multi-account-accounts.json',
}
const CONFIG_FILES: Readonly<Record<string, string>> = {
  anthropic: 'claude-multiauth.json',
  openai: 'chatgpt-multiauth.json',
}

/**
 * What the host looks for before it installs its plugin package into a config dir. Without it a
 * start takes 5 s; behind the guard of `environmentOf` it does not end.
 */
const INSTALLED_LOCK = {
  lockfileVersion: 3,
  packages: { '': { dependencies: { '@opencode-ai/plugin': '*' } } },
}

/** A home of its own for one OpenCode, in a temp folder. */
export async function createHome(options: HomeOptions = {}): Promise<Home> {
  const root = mkdtempSync(join(tmpdir(), 'rota-home-'))
  const configDir = join(root, 'config', 'opencode')
  const dataDir = join(root, 'data', 'opencode')
  const projectDir = join(root, 'project')
  const { fakes = [], settings = {}, hasAccounts = true } = options

  await Promise.all([mkdir(join(root, 'tmp')), mkdir(projectDir), seedConfigDir(configDir)])
  await writeJson(join(configDir, 'opencode.json'), hostConfig(options))
  for (const fake of fakes) {
    const fields = { endpoints: fake.endpoints, ...settings[fake.id] }
    await writeJson(join(configDir, CONFIG_FILES[fake.id] ?? fake.id), fields)
    if (hasAccounts) await writeJson(accountsFile(fake.id), fake.seed(), 0o600)
  }
  for (const [name, source] of Object.entries(options.pluginFiles ?? {})) {
    await write(join(configDir, 'plugins', name), source)
  }
  for (const [path, text] of Object.entries(options.project ?? {})) {
    await write(join(projectDir, path), text)
  }
  const projectPaths = Object.keys(options.project ?? {})
  if (projectPaths.some((path) => path.startsWith('.opencode/'))) {
    await seedConfigDir(join(projectDir, '.opencode'))
  }
  if (options.auth !== undefined) await writeJson(join(dataDir, 'auth.json'), options.auth, 0o600)

  function accountsFile(provider: string): string {
    return join(configDir, ACCOUNTS_FILES[provider] ?? `${provider}.json`)
  }

  return {
    root,
    configDir,
    projectDir,
    authFile: join(dataDir, 'auth.json'),
    logFile: join(dataDir, 'log', 'opencode.log'),
    env: { ...environmentOf(root), ...options.env },
    accountsFile,
    read: (path) => readFile(path, 'utf8').catch(() => undefined),
    async remove() {
      await expectNoSecretIn(root)
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Makes the host believe that its plugin package is installed here. */
async function seedConfigDir(dir: string): Promise<void> {
  await mkdir(join(dir, 'node_modules'), { recursive: true })
  await writeJson(join(dir, 'package-lock.json'), INSTALLED_LOCK)
}

function hostConfig({ fakes = [], plugins = [], hasBaseUrls = false, config = {} }: HomeOptions) {
  const redirects = fakes.map((fake) => [
    fake.id,
    { options: { baseURL: `${fake.origin}/v1` } } satisfies Json,
  ])
  return {
    $schema: 'https://opencode.ai/config.json',
    share: 'disabled',
    autoupdate: false,
    plugin: plugins,
    ...(hasBaseUrls ? { provider: Object.fromEntries(redirects) } : {}),
    ...config,
  }
}

async function writeJson(path: string, value: object, mode?: number): Promise<void> {
  await write(path, `${JSON.stringify(value, null, 2)}\n`, mode)
}

async function write(path: string, text: string, mode?: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text, { mode })
}
