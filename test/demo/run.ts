import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { createHome } from '../flow/host/home.ts'
import { MODELS } from '../flow/host/models.ts'
import { startServer } from '../flow/host/serve.ts'
import { leaveNoTrace } from './ending.ts'
import { goOn } from './go-on.ts'
import { tailPluginLog } from './log-tail.ts'
import { addressIn, offerPage, readPage } from './page.ts'
import { heading, line, plain } from './timeline.ts'

const PLUGIN = new URL('../../dist/index.js', import.meta.url).href
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** The whole demo; past it something hangs, and that is a failure. */
const LONGEST_MS = 110_000
/** `npm run demo -- --page` */
const keepsPageOpen = process.argv.includes('--page')

const ending = leaveNoTrace()
const watchdog = setTimeout(() => {
  plain('\nThe demo did not end in time: something hangs.')
  process.exit(1)
}, LONGEST_MS)

heading('opencode-rota: the real OpenCode, six accounts, two providers (all on this machine)')
line('demo', 'starting fake Anthropic and OpenAI servers on 127.0.0.1')
const anthropic = await createFakeAnthropic({ accounts: ['Ada', 'Ben', 'Cleo'] })
const openai = await createFakeOpenAI({ accounts: ['Dora', 'Emil', 'Finn'] })
const home = await createHome({
  fakes: [anthropic, openai],
  plugins: [[PLUGIN, { debug: true, inspect: true }]],
})
line('demo', `starting OpenCode with a config folder of its own (${home.configDir})`)
const markers = new Map<string, () => void>()
let page: string | undefined
let isAsExpected = true
const log = tailPluginLog(home.logFile, (text) => {
  const seen = markers.get(text)
  const address = addressIn(text)
  if (seen !== undefined) seen()
  else if (address === undefined) line('pool', text)
  else offerPage((page = address))
})
const server = await startServer(home, [], keepsPageOpen ? DAY : LONGEST_MS)

try {
  heading('1. A conversation with Claude: Ada serves it, until her 5-hour window is used up')
  const first = await server.createSession('first')
  await ask(first, anthropic, 'Say hello.', 'Ada')
  anthropic.account('Ada').behave(LIMITED_UNTIL(Date.now() + 2 * HOUR))
  await ask(first, anthropic, 'Go on.', 'Ben')
  await ask(first, anthropic, 'And on: the same stand-in, whose prompt cache is warm.', 'Ben')

  heading("2. Ben's token is refused: it is renewed in passing")
  anthropic.account('Ben').expire()
  await ask(first, anthropic, 'Still there?', 'Ben')

  heading('3. A conversation with ChatGPT: two accounts are used up, the third is soon back')
  openai.account('Dora').behave(LIMITED_UNTIL(Date.now() + 3 * HOUR, { window: 'weekly' }))
  openai.account('Emil').behave(LIMITED_UNTIL(Date.now() + 4 * HOUR))
  const second = await server.createSession('second')
  await ask(second, openai, 'Say hello.', 'Finn')
  openai.account('Finn').behave(LIMITED_UNTIL(Date.now() + 5_000))
  await ask(second, openai, 'Go on: everybody is limited now, so the request waits.', 'Finn')

  heading('4. The live page shows where they stand')
  const shown = page === undefined ? 'there is no page' : await readPage(page)
  line('page', shown)
  isAsExpected &&= shown.includes('Ada rateLimited')
  if (keepsPageOpen) {
    clearTimeout(watchdog)
    const sessions = { anthropic: first, openai: second }
    const goingOn = (fake: Fake, prompt: string) => ask(sessions[fake.id], fake, prompt)
    await goOn([anthropic, openai], goingOn, ending.askFirst())
  }
} finally {
  log.stop()
  await server.stop()
}

heading('Where the accounts stand')
for (const fake of [anthropic, openai]) await printAccounts(fake)
await Promise.all([anthropic.close(), openai.close()])
await home.remove()

heading('With accounts of your own')
plain(`  1. Add the plugin to opencode.json:   "plugin": ["opencode-rota"]`)
plain('     (from this checkout:               "plugin": ["file://' + checkout() + '"])')
plain('  2. Sign in, once per account:         opencode auth login')
plain('     (accounts files of the same format work as they are: docs/accounts-file.md)')
plain('  3. See it live:                       ROTA_INSPECT=1 opencode')
plain('     (here: npm run demo -- --page)')
plain('\nNothing of your own OpenCode set-up was read or changed.')
clearTimeout(watchdog)
process.exitCode = isAsExpected ? 0 : 1

/** `expected`: who should answer, where only one may. */
async function ask(session: string, fake: Fake, prompt: string, expected = ''): Promise<void> {
  line('you', `${fake.id}: ${prompt}`)
  const { text, error } = await server.prompt(session, { prompt, model: MODELS[fake.id] })
  await untilLogged()
  line('answer', error ?? text.trim())
  if (expected === '' || text.includes(`answered by ${expected}`)) return
  isAsExpected = false
  line('demo', `this should have been answered by ${expected}`)
}

/** The host writes its log in portions: a line of our own shows that all before it are there. */
async function untilLogged(): Promise<void> {
  const marker = `(${randomUUID()})`
  const logged = new Promise<void>((resolve) => markers.set(marker, resolve))
  const message = `claude-multiauth: ${marker}`
  await server.call('POST', '/log', { service: 'demo', level: 'info', message })
  await logged
}

async function printAccounts(fake: Fake): Promise<void> {
  const text = (await home.read(home.accountsFile(fake.id))) ?? '{"accounts":[]}'
  const { accounts }: { accounts: { label: string; rateLimitResetAt?: number }[] } =
    JSON.parse(text)
  for (const { label, rateLimitResetAt } of accounts) {
    const back = rateLimitResetAt ?? 0
    const state =
      back > Date.now() ? `limited, back at ${new Date(back).toLocaleString()}` : 'ready'
    plain(`  ${fake.id.padEnd(9)}  ${label.padEnd(5)} ${state}`)
  }
}

function checkout(): string {
  return fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
}
