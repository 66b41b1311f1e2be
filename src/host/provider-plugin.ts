import { join } from 'node:path'
import type { Hooks, Plugin, PluginInput } from '@opencode-ai/plugin'
import { type PluginOptions, loadSettings } from '../config/load.ts'
import type { Settings } from '../config/schema.ts'
import { defaultSettings } from '../config/settings.ts'
import { type Environment, configDirOf, wantsInspector } from '../config/paths.ts'
import { type Assembled, assemble } from '../assemble.ts'
import { narrate } from '../pool/narrate.ts'
import { type PoolNews, isStart } from '../pool/events.ts'
import { inspector } from '../inspect/shared.ts'
import type { Provider } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
import { openSpendJournal } from '../spend-journal.ts'
import { createFileClaims } from '../store/file-claims.ts'
import { createFileStore } from '../store/file.ts'
import type { AccountStore } from '../store/store.ts'
import { watchFile } from '../store/watch.ts'
import { realWorld } from '../world.ts'
import {
  type AuthPlace,
  ensureAuthEntry,
  entryFor,
  isKeyInTheWay,
  keyInTheWay,
} from './auth-entry.ts'
import { authSourceOf, readAuthLogins } from './auth-file.ts'
import { importFromOpenCode } from './import-login.ts'
import { createLoginMethods } from './login-methods.ts'
import { createSharing } from './shared-pools.ts'
import { createShowing } from './showing.ts'
import { createToasts } from './toasts.ts'
import { createPrices } from './prices.ts'
import { createTools } from './tools/tools.ts'
import { takeKey } from './take-key.ts'
import { type Voice, createVoice } from './voice.ts'

/** One pool of this process, and what its users share. */
interface SharedPool extends Assembled {
  settings: Settings
  /** The voice of the project that was opened last. */
  voice: Voice
  /** The options of the project that was opened last. */
  options: PluginOptions
  /** For logins: the pool, with a store of its own, sees what is written here as a change. */
  readonly loginStore: AccountStore
  readonly reload: () => Promise<void>
  readonly stopWatching: () => Promise<unknown>
  readonly stopShowing: () => void
}

/** The host waits for every plugin before it starts: a slow disk must not hold it up. */
const LONGEST_START_MS = 1_500
/** Only at the first start of all: without its entry, or an account, OpenCode goes on without us. */
const LONGEST_FIRST_START_MS = 5_000
/** The host awaits this without a limit of its own at the end of `opencode run`. */
const LONGEST_STOP_MS = 900
/** Ending while a token is being spent may lose a login: rare, and worth a wait. */
const LONGEST_SPENDING_MS = 10_000
/** Takes the place of a key in the host; no request is ever sent with it. */
const PLACEHOLDER_KEY = 'opencode-rota'

const sharing = createSharing<SharedPool>(async ({ pool, stopWatching, stopShowing }) => {
  await stopWatching()
  stopShowing()
  await pool.dispose()
})

/** The OpenCode plugin of one provider. A fault in it leaves the host as it is without us. */
export function createProviderPlugin(provider: Provider, env: Environment): Plugin {
  return async (input, options = {}) => {
    const voice = createVoice(input.client, provider.logService)
    try {
      return await start(provider, env, input, options, voice)
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown fault'
      voice.log('error', `The ${provider.name} accounts are not used: ${why}`)
      return {}
    }
  }
}

async function start(
  provider: Provider,
  env: Environment,
  input: PluginInput,
  options: PluginOptions,
  voice: Voice,
): Promise<Hooks> {
  const configDir = configDirOf(env)
  const { settings } = await loadSettings(configDir, provider, options)
  if (!settings.enabled) return {}
  const share = sharing.take(`${provider.id} ${configDir}`, () =>
    openPool(provider, configDir, { env, voice, options }),
  )
  const { shared } = share
  shared.voice = voice
  shared.settings = settings
  shared.options = options
  await within(LONGEST_START_MS, Promise.all([shared.ready, shared.reload()]))
  const ending = new AbortController()
  const source = authSourceOf(env)
  const hasAccounts = () => shared.pool.size() > 0
  const complain = (error: unknown) => {
    const why = error instanceof Error ? error.message : 'unknown fault'
    voice.log('warn', `OpenCode's own ${provider.name} login was left as it is: ${why}`)
  }
  const keepEntry = async (taken: Secret | undefined) => {
    const write: AuthPlace['write'] = async (body) => {
      const { error } = await input.client.auth.set({ path: { id: provider.id }, body })
      if (error !== undefined) throw new Error('OpenCode could not write it')
    }
    const wanted = entryFor(provider.id, shared.pool.status().accounts)
    const result = await ensureAuthEntry({ provider, source, write, wanted, taken })
    if (result.kind === 'refused') voice.log('warn', result.problem)
  }
  const { pool, loginStore: store } = shared
  const taking = takeKey({ pool, store, voice, source })
  const taken = await within(LONGEST_FIRST_START_MS, taking.catch(complain))
  if (!hasAccounts()) {
    const importing = importFromOpenCode({ pool, store, voice, source })
    await within(LONGEST_FIRST_START_MS, importing.catch(complain))
  }
  // The pool may still be reading what was just written.
  if (hasAccounts() || taken !== undefined) {
    await within(LONGEST_FIRST_START_MS, keepEntry(taken ?? undefined).catch(complain))
  }
  // A key pays for each request: with one in the pool OpenCode shows what requests cost.
  const isPaid = () =>
    hasAccounts() && shared.pool.status().accounts.every(({ kind }) => kind === 'subscription')
  return {
    tool: createTools(shared.pool),
    // OpenCode's own plugin does the same for OpenAI, and more.
    ...(provider.id === 'anthropic' ? { provider: createPrices(provider.id, isPaid) } : {}),
    auth: {
      provider: provider.id,
      methods: createLoginMethods({
        pool: shared.pool,
        store: shared.loginStore,
        voice,
        source,
        configDir,
        reload: shared.reload,
        signal: ending.signal,
      }),
      async loader() {
        const logins = await readAuthLogins(source)
        const entry = logins.kind === 'read' ? logins.of(provider.id) : undefined
        const isKey = entry === 'other' || entry === 'direct' || entry === 'pool'
        const isEmpty = logins.kind === 'read' && logins.empty(provider.id) !== undefined
        // A plain API key of the person keeps working as it did.
        const isPlain = isKey && !isEmpty && !hasAccounts()
        const isInTheWay = !isPlain && isKeyInTheWay(entry, provider)
        if (isInTheWay) {
          const message = keyInTheWay(provider)
          voice.log('warn', message)
          if (!shared.settings.quiet_mode) voice.toast('warning', message)
        }
        if (isPlain || isInTheWay) {
          // Here the host can show it, and no request of ours will come that could.
          voice.open()
          return {}
        }
        return {
          apiKey: PLACEHOLDER_KEY,
          fetch: (request: string | URL | Request, init?: RequestInit) => {
            voice.open()
            return shared.fetch(request, init)
          },
        }
      },
    },
    async dispose() {
      ending.abort()
      await within(LONGEST_STOP_MS, share.release())
      await within(LONGEST_SPENDING_MS, shared.pool.whenKept())
    },
  }
}

function openPool(
  provider: Provider,
  configDir: string,
  { env, voice, options }: { env: Environment; voice: Voice; options: PluginOptions },
): SharedPool {
  const place = { file: join(configDir, provider.accountsFile), now: Date.now }
  const shared: SharedPool = {
    ...assemble({
      provider,
      settings: () => shared.settings,
      store: createFileStore(place),
      journal: openSpendJournal(place.file),
      claims: createFileClaims({ file: join(configDir, 'multiauth-claims.json'), now: Date.now }),
      world: realWorld((level, message) => {
        shared.voice.log(level, message)
        if (level !== 'warn' && level !== 'error') return
        announce(level === 'warn' ? 'warning' : 'error', message)
      }),
    }),
    settings: defaultSettings(),
    voice,
    options,
    loginStore: createFileStore(place),
    reload,
    stopWatching: () => Promise.all(watches.map((stop) => stop())),
    stopShowing: () => showing.stop(),
  }
  const complained = new Set<string>()

  async function reload(): Promise<void> {
    const { settings, complaints } = await loadSettings(configDir, provider, shared.options)
    shared.settings = settings
    shared.pool.settingsChanged()
    showing.follow(settings.inspect || wantsInspector(env))
    for (const complaint of complaints) {
      if (complained.has(complaint)) continue
      complained.add(complaint)
      shared.voice.log('warn', complaint)
      announce('warning', complaint)
    }
  }

  function announce(variant: 'info' | 'warning' | 'error', message: string): void {
    if (!shared.settings.quiet_mode) shared.voice.toast(variant, message)
  }

  const showing = createShowing({
    inspector,
    pool: shared.pool,
    log: (level, message) => shared.voice.log(level, message),
    announce: (message) => announce('info', message),
  })
  const watches = provider.configFiles.map((name) =>
    watchFile(join(configDir, name), () => void reload()),
  )
  shared.pool.subscribe(
    createToasts(({ variant, message }) => announce(variant, message), Date.now),
  )
  shared.pool.subscribe((news) => {
    if (isStart(news)) return
    if (news.type === 'renewals.stopped') announce('warning', narrate(news, clock))
    if (isWorthALine(news) || shared.settings.debug) shared.voice.log('info', narrate(news, clock))
  })
  return shared
}

/** What somebody who reads the log afterwards needs to understand a session. */
function isWorthALine(news: PoolNews): boolean {
  return (
    news.type === 'token.failed' ||
    news.type === 'renewals.stopped' ||
    (news.type === 'account.changed' && news.from !== undefined && news.to !== 'active')
  )
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString()
}

/** Waits at most `ms`; what is late goes on by itself. */
async function within<Result>(ms: number, work: Promise<Result>): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  const result = await Promise.race([work, limit])
  clearTimeout(timer)
  return result
}
