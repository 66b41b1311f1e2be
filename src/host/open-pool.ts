import { join } from 'node:path'
import { type Assembled, assemble } from '../assemble.ts'
import { type PluginOptions, loadSettings } from '../config/load.ts'
import { type Environment, wantsInspector } from '../config/paths.ts'
import type { Settings } from '../config/schema.ts'
import { defaultSettings } from '../config/settings.ts'
import { inspector } from '../inspect/shared.ts'
import { type PoolNews, isStart } from '../pool/events.ts'
import { narrate } from '../pool/narrate.ts'
import type { Provider } from '../provider/provider.ts'
import { openSpendJournal } from '../spend-journal.ts'
import { createFileClaims } from '../store/file-claims.ts'
import { createFileStore } from '../store/file.ts'
import type { AccountStore } from '../store/store.ts'
import { watchFile } from '../store/watch.ts'
import { realWorld } from '../world.ts'
import { createShowing } from './showing.ts'
import { createToasts } from './toasts.ts'
import type { Voice } from './voice.ts'

/** One pool of this process, and what its users share. */
export interface SharedPool extends Assembled {
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

/** Opens the pool of a provider on the files in a config folder. */
export function openPool(
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
