import { startBrowser } from '../../../src/login/browser.ts'
import { providers } from '../../../src/provider/providers.ts'
import { realWorld } from '../../../src/world.ts'

/**
 * Begins a browser login at Anthropic and prints its page. `finish`: waits for it, prints what came
 * of it and begins the next one; `leave`: does nothing more.
 */
const [endpoints = '{}', then] = process.argv.slice(2)
const provider = providers.anthropic
const method = provider.login.methods.find(({ kind }) => kind === 'browser')

if (then === 'leave') await begin()
else for (;;) await finish()

async function begin() {
  if (method?.kind !== 'browser') throw new Error('It has no browser login.')
  const login = await startBrowser(method, {
    provider,
    endpoints: JSON.parse(endpoints),
    world: realWorld(() => {}),
    signal: new AbortController().signal,
  })
  if (!login.ok) throw new Error(login.message)
  print({ url: login.url })
  return login
}

async function finish(): Promise<void> {
  const login = await begin()
  const result = await login.finish()
  print(result.ok ? { ok: true, email: result.login.email } : result)
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
