import { isMainThread } from 'node:worker_threads'
import type { AuthOAuthResult, Hooks } from '@opencode-ai/plugin'
import { startBrowser } from '../login/browser.ts'
import { startDeviceCode } from '../login/device-code.ts'
import { startPasteCode } from '../login/paste-code.ts'
import type { LoginFailure, LoginParts, LoginResult } from '../login/result.ts'
import { saveLogin } from '../login/save.ts'
import type { Pool } from '../pool/pool.ts'
import type { Browser, DeviceCode, LoginMethod, PasteCode } from '../provider/login.ts'
import type { AccountStore } from '../store/store.ts'
import { realWorld } from '../world.ts'
import { EMPTY_ENTRY, entryAfterLogin, entryFor } from './auth-entry.ts'
import { type AuthSource, KEY_LABEL, KEY_USE } from './auth-file.ts'
import { type MenuEnd, openMenu } from './menu/menu.ts'
import { openScreen } from './menu/screen.ts'
import { openBrowser } from './open-browser.ts'
import type { Voice } from './voice.ts'

/** What the host offers under `opencode auth login` and `/connect`. */
export type LoginMethods = NonNullable<Hooks['auth']>['methods']

export interface LoginMethodsParts {
  readonly pool: Pool
  /** Another than the pool's own, which then sees what is written here as a change. */
  readonly store: AccountStore
  readonly voice: Voice
  /** OpenCode's own logins. */
  readonly source: AuthSource
  /** Where the provider's config file is. */
  readonly configDir: string
  /** Reads the configuration again. */
  readonly reload: () => Promise<void>
  /** Aborts when the host ends this plugin. */
  readonly signal: AbortSignal
}

type Outcome = Awaited<ReturnType<AuthOAuthResult['callback']>>

/** The tokens stay in the pool's own file: the host keeps an entry that holds none. */
const SUCCESS: Outcome = { ...EMPTY_ENTRY, type: 'success' }
/** The host keeps the entry that it has: an empty one must not replace a login or a key. */
// @ts-expect-error -- the type demands tokens, the host does not (1.18): it then stores nothing.
const SUCCESS_WITHOUT_ENTRY: Outcome = { type: 'success' }
const FAILED: Outcome = { type: 'failed' }

const LABELS = {
  browser: 'Add account (browser)',
  pasteCode: 'Add account (paste code)',
  deviceCode: 'Add account (device code)',
} as const satisfies Record<LoginMethod['kind'], string>

const MENU_LABEL = 'Manage accounts (add, quotas, settings …)'

/** The menu where a terminal is ours alone, then the ways to sign in without one. */
export function createLoginMethods(parts: LoginMethodsParts): LoginMethods {
  const { pool, store, voice, source, signal } = parts
  const { provider } = pool
  const world = realWorld(voice.log)
  const { methods } = provider.login

  /** `why` is said first: another method was asked for and cannot be used. */
  function begin(method: LoginMethod, why?: string): Promise<AuthOAuthResult> {
    // Somebody who signs in sees the host: what was held back can be shown.
    voice.open()
    const login: LoginParts = { provider, endpoints: pool.endpoints(), world, signal }
    switch (method.kind) {
      case 'browser':
        return browser(method, login)
      case 'pasteCode':
        return pasteCode(method, login, why)
      case 'deviceCode':
        return deviceCode(method, login, why)
    }
  }

  async function browser(method: Browser, login: LoginParts): Promise<AuthOAuthResult> {
    const started = await startBrowser(method, login)
    if (!started.ok) {
      const next = methods[methods.indexOf(method) + 1]
      return next === undefined ? withoutPage(started) : begin(next, started.message)
    }
    const { url, finish } = started
    const how = opensPages() && openBrowser(url) ? 'in the browser that opens' : 'on the page'
    return {
      url,
      instructions: `Sign in ${how}, within 5 minutes. It must run on this machine: elsewhere choose another login method.`,
      method: 'auto',
      callback: async () => conclude(await finish()),
    }
  }

  async function pasteCode(
    method: PasteCode,
    login: LoginParts,
    why: string | undefined,
  ): Promise<AuthOAuthResult> {
    const { url, finish } = await startPasteCode(method, login)
    const how = 'Sign in on the page, then paste the code that it shows.'
    // Before it asks for a code, the host shows no instructions there.
    if (why !== undefined && isTerminalLogin()) process.stderr.write(`${why}\n`)
    return {
      url,
      instructions: why === undefined ? how : `${why} ${how}`,
      method: 'code',
      callback: async (code) => conclude(await finish(code)),
    }
  }

  async function deviceCode(
    method: DeviceCode,
    login: LoginParts,
    why: string | undefined,
  ): Promise<AuthOAuthResult> {
    const started = await startDeviceCode(method, login)
    if (!started.ok) return withoutPage(started)
    const how = `Enter the code ${started.userCode} on the page. It is valid for 15 minutes.`
    return {
      url: started.url,
      instructions: why === undefined ? how : `${why} ${how}`,
      method: 'auto',
      callback: async () => conclude(await started.finish()),
    }
  }

  /** The host shows instructions to the person; of an exception its screen shows raw JSON. */
  function withoutPage(failed: LoginFailure): AuthOAuthResult {
    const callback = async () => conclude(failed)
    return { url: '', instructions: failed.message, method: 'auto', callback }
  }

  async function conclude(result: LoginResult): Promise<Outcome> {
    // Whoever began anew knows it, and looks at the new page.
    if (!result.ok && result.code === 'replaced') {
      voice.log('info', result.message)
      return FAILED
    }
    if (!result.ok) return fail(result.message)
    const saved = await saveLogin(store, result.login, world.now)
    if (!saved.ok) return fail(saved.problem.message)
    await pool.upToDate()
    const news = saved.isNew ? 'was added' : 'is signed in again'
    const rest = saved.isEnabled ? '' : '. It stays turned off until you enable it'
    say('info', `${provider.name} account ${saved.label} ${news}${rest}.`)
    return afterLogin()
  }

  /** What the host is to store, now that there is a login. */
  async function afterLogin(): Promise<Outcome> {
    const wanted = entryFor(provider.id, pool.status().accounts)
    const { isWanted, warning } = await entryAfterLogin({ provider, source, wanted })
    if (warning !== undefined) say('warning', warning)
    return isWanted ? SUCCESS : SUCCESS_WITHOUT_ENTRY
  }

  async function menu(): Promise<AuthOAuthResult> {
    voice.open()
    const screen = openScreen(signal)
    const { configDir, reload } = parts
    const place = { configDir, reload, signal, openPage: openBrowser }
    const end: MenuEnd = await openMenu({ pool, store, world, screen, ...place })
    const callback = async () => (end.hasNewAccount ? afterLogin() : SUCCESS_WITHOUT_ENTRY)
    return { url: '', instructions: '', method: 'auto', callback }
  }

  function fail(why: string): Outcome {
    const message = `The ${provider.name} login failed: ${why}`
    say('error', message)
    // There the host says only "Failed to authorize", and ends before it has written its log.
    if (isTerminalLogin()) process.stderr.write(`${message}\n`)
    return FAILED
  }

  function say(level: 'info' | 'warning' | 'error', message: string): void {
    voice.log(level === 'warning' ? 'warn' : level, message)
    if (!pool.settings().quiet_mode) voice.toast(level, message)
  }

  return [
    ...(isInteractive() ? [{ type: 'oauth' as const, label: MENU_LABEL, authorize: menu }] : []),
    ...methods.map((method) => ({
      type: 'oauth' as const,
      label: LABELS[method.kind],
      authorize: () => begin(method),
    })),
    // Asked before the key, which OpenCode then stores with the answers and shows to nobody.
    {
      type: 'api',
      label: 'API key',
      prompts: [
        {
          type: 'select',
          key: KEY_USE,
          message: 'Where is the key used?',
          options: [
            { label: 'In the pool', value: 'pool', hint: 'one more account' },
            { label: 'By OpenCode itself', value: 'direct', hint: 'as without the plugin' },
          ],
        },
        {
          type: 'text',
          key: KEY_LABEL,
          message: 'A name for the key',
          placeholder: 'work',
          when: { key: KEY_USE, op: 'eq', value: 'pool' },
        },
      ],
    },
  ]
}

/**
 * Whether this process is `opencode auth login`, and so the terminal's. In the TUI we run in a
 * worker of a process that owns the screen: a line of ours would stay on it.
 */
function isTerminalLogin(): boolean {
  const words = new Set(process.argv)
  return isMainThread && words.has('login') && (words.has('auth') || words.has('providers'))
}

/** Whether questions can be asked and answered. */
function isInteractive(): boolean {
  return isTerminalLogin() && process.stdin.isTTY && process.stdout.isTTY
}

/**
 * Whether the person sits at this machine: at its terminal, or at the TUI, which has us in a worker.
 * Whoever asks a server shows the page himself.
 */
function opensPages(): boolean {
  return isTerminalLogin() || !isMainThread
}
