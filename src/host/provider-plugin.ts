import type { Hooks, Plugin, PluginInput } from '@opencode-ai/plugin'
import { type PluginOptions, loadSettings } from '../config/load.ts'
import { type Environment, configDirOf } from '../config/paths.ts'
import type { Provider } from '../provider/provider.ts'
import type { Secret } from '../secret.ts'
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
import { type SharedPool, openPool } from './open-pool.ts'
import { createSharing } from './shared-pools.ts'
import { createPrices } from './prices.ts'
import { createTools } from './tools/tools.ts'
import { takeKey } from './take-key.ts'
import { type Voice, createVoice } from './voice.ts'

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
