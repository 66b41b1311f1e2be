import { onAbort } from '../../abort.ts'
import { startBrowser } from '../../login/browser.ts'
import { startDeviceCode } from '../../login/device-code.ts'
import { startPasteCode } from '../../login/paste-code.ts'
import type { LoginParts, LoginResult } from '../../login/result.ts'
import { saveLogin } from '../../login/save.ts'
import type { Browser, DeviceCode, LoginMethod, PasteCode } from '../../provider/login.ts'
import { addKeyAccount } from './add-key.ts'
import type { MenuParts } from './parts.ts'
import { sayIfMixed } from './mixed.ts'
import type { Choice } from './screen.ts'

const LABELS = {
  browser: 'In the browser on this machine',
  pasteCode: 'In any browser, then paste a code',
  deviceCode: 'In any browser, with a code shown here',
} as const satisfies Record<LoginMethod['kind'], string>

/** What came of one way to sign in; undefined: the person stopped it. */
type Tried = LoginResult | undefined

/** One way to sign in, being tried. */
interface Attempt extends Pick<MenuParts, 'screen' | 'openPage'> {
  readonly login: LoginParts
  /** Shows that the end of the login is waited for. Whoever stops that stops the login. */
  readonly end: (what: string, finish: () => Promise<LoginResult>) => Promise<Tried>
}

/** Signs somebody in, or takes a key. True when there is a new account or a new login. */
export async function addAccount(parts: MenuParts): Promise<boolean> {
  const apiKey = { value: 'apiKey', label: 'With an API key', hint: 'paid by the request' } as const
  const kind = await parts.screen.choose(QUESTION, [...waysToSignIn(parts), apiKey])
  return kind === 'apiKey' ? addKeyAccount(parts) : signInBy(kind, parts)
}

/** `expected`: the name of the account that is to be repaired. True when there is a new login. */
export async function signInAgain(parts: MenuParts, expected: string): Promise<boolean> {
  return signInBy(await parts.screen.choose(QUESTION, waysToSignIn(parts)), parts, expected)
}

const QUESTION = 'How do you want to sign in?'

function waysToSignIn({ pool }: MenuParts): readonly Choice<LoginMethod['kind']>[] {
  return pool.provider.login.methods.map(({ kind }) => ({ value: kind, label: LABELS[kind] }))
}

/** Nothing is written before the login is complete. */
async function signInBy(
  kind: LoginMethod['kind'] | undefined,
  parts: MenuParts,
  expected?: string,
): Promise<boolean> {
  const { methods } = parts.pool.provider.login
  const method = methods.find((each) => each.kind === kind)
  return method === undefined ? false : signIn(method, parts, expected)
}

async function signIn(
  method: LoginMethod,
  parts: MenuParts,
  expected: string | undefined,
): Promise<boolean> {
  const { pool, screen, world, signal, openPage } = parts
  const stopping = new AbortController()
  const login: LoginParts = {
    provider: pool.provider,
    endpoints: pool.endpoints(),
    world,
    signal: AbortSignal.any([signal, stopping.signal]),
  }
  const end: Attempt['end'] = (what, finish) => {
    const work = (stopped: AbortSignal) => {
      onAbort(stopped, () => stopping.abort())
      return finish()
    }
    return screen.wait(what, work, ({ ok }) => (ok ? 'signed in' : 'not signed in'))
  }
  const result = await attempt(method, { screen, openPage, login, end })
  stopping.abort()
  if (result === undefined || (!result.ok && result.code === 'aborted')) {
    screen.say('info', 'The login was stopped. Nothing was changed.')
    return false
  }
  if (result.ok) return save(result, parts, expected)
  screen.say('bad', result.message)
  const { methods } = pool.provider.login
  const next = methods[methods.indexOf(method) + 1]
  if (result.code !== 'noListener' || next === undefined) return false
  return signIn(next, parts, expected)
}

function attempt(method: LoginMethod, trying: Attempt): Promise<Tried> {
  switch (method.kind) {
    case 'browser':
      return inBrowser(method, trying)
    case 'pasteCode':
      return byPastedCode(method, trying)
    case 'deviceCode':
      return byDeviceCode(method, trying)
  }
}

async function inBrowser(
  method: Browser,
  { screen, openPage, login, end }: Attempt,
): Promise<Tried> {
  const started = await startBrowser(method, login)
  if (!started.ok) return started
  const how = openPage(started.url)
    ? 'Sign in in the browser that opens, within 5 minutes. If none opens, this is the page:'
    : 'Open this page in a browser on this machine, and sign in within 5 minutes:'
  screen.say('info', how)
  screen.link(started.url)
  const result = await end('Waiting for you to sign in', started.finish)
  await started.stop()
  return result
}

async function byPastedCode(method: PasteCode, { screen, login, end }: Attempt): Promise<Tried> {
  const { url, finish } = await startPasteCode(method, login)
  screen.say('info', 'Open this page in any browser and sign in. It then shows a code:')
  screen.link(url)
  for (;;) {
    const pasted = await screen.askSecret({ question: 'Paste the code (Esc goes back)' })
    if (pasted === undefined) return undefined
    const result = await end('Asking for tokens', () => finish(pasted))
    if (result === undefined || result.ok || !CAN_PASTE_AGAIN.has(result.code)) return result
    screen.say('bad', result.message)
  }
}

/** A slip of the hand, after which the same page is still good. */
const CAN_PASTE_AGAIN: ReadonlySet<string> = new Set(['unreadable', 'state', 'unavailable'])

async function byDeviceCode(method: DeviceCode, { screen, login, end }: Attempt): Promise<Tried> {
  const started = await screen.wait(
    'Asking for a code',
    () => startDeviceCode(method, login),
    (answer) => (answer.ok ? 'here it is' : 'there is none'),
  )
  if (started === undefined || !started.ok) return started
  screen.say('info', `Enter the code ${started.userCode} on this page, within 15 minutes:`)
  screen.link(started.url)
  return end('Waiting for you to enter the code', () => started.finish())
}

async function save(
  { login }: LoginResult & { ok: true },
  parts: MenuParts,
  expected: string | undefined,
): Promise<boolean> {
  const { pool, screen, store, world } = parts
  const { name } = pool.provider
  const saved = await saveLogin(store, login, world.now)
  if (!saved.ok) {
    screen.say('bad', saved.problem.message)
    return false
  }
  await pool.upToDate()
  const news = saved.isNew ? 'was added' : 'is signed in again'
  const rest = saved.isEnabled ? '' : '. It stays switched off until you enable it'
  const sentence = `${name} account ${saved.label} ${news}${rest}.`
  world.log('info', sentence)
  screen.say('good', sentence)
  if (saved.isNew) sayIfMixed(parts)
  if (expected !== undefined && expected !== saved.label) {
    screen.say('warning', `This was not ${expected}: sign out on the page to choose another.`)
  }
  return true
}
