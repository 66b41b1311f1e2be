import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccountPoolOptions, createAccountPool } from '../../src/account-pool.ts'
import type { PoolNews } from '../../src/pool/events.ts'
import { expectNoSecretIn } from '../canary/folder.ts'
import type { Fake } from '../fake/fake.ts'

interface OpenPoolOptions extends Partial<AccountPoolOptions> {
  /** What stands in the accounts file; default: the newest tokens of all accounts. */
  readonly seed?: unknown
}

/** A pool over the accounts of a fake, on a real accounts file in a folder of its own. */
export async function openPool(
  fake: Fake,
  settings: Readonly<Record<string, unknown>> = {},
  { seed = fake.seed(), ...options }: OpenPoolOptions = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'rota-pool-'))
  const file = join(folder, 'accounts.json')
  await writeFile(file, JSON.stringify(seed), { mode: 0o600 })
  const news: PoolNews[] = []
  const said: string[] = []
  const pool = createAccountPool({
    provider: fake.id,
    file,
    settings: { endpoints: fake.endpoints, ...settings },
    log: (_level, message) => said.push(message),
    ...options,
  })
  pool.subscribe((event) => news.push(event))
  await pool.ready
  return {
    ...pool,
    file,
    folder,
    news,
    said,
    /** Sends one prompt as the host does, and reads the whole answer. */
    async ask(conversation = 'conversation-1', init: RequestInit & { parent?: string } = {}) {
      const [url, sent] = requestOf(fake, conversation, init)
      const response = await pool.fetch(url, sent)
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
    request: (conversation = 'conversation-1', init: RequestInit = {}) =>
      requestOf(fake, conversation, init),
    /** Which accounts were asked for the model, in order. */
    asked: () => fake.modelRequests().map(({ account }) => account),
    stateOf: (label: string) =>
      pool.status().accounts.find((account) => account.label === label)?.state,
    async close() {
      await pool.dispose()
      await expectNoSecretIn(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type OpenPool = Awaited<ReturnType<typeof openPool>>

/** The address of the host's request, all that it sends, and the body once more as text. */
export function requestOf(
  fake: Fake,
  conversation: string,
  { parent, ...init }: RequestInit & { parent?: string } = {},
): [url: string, init: RequestInit, text: string] {
  const path = fake.id === 'anthropic' ? '/v1/messages' : '/v1/responses'
  const origin = fake.id === 'anthropic' ? 'https://api.anthropic.com' : 'https://api.openai.com'
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-api-key': 'placeholder',
    'x-session-affinity': conversation,
    'x-session-id': conversation,
    ...(fake.id === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {}),
    ...(parent === undefined ? {} : { 'x-parent-session-id': parent }),
  }
  const text = JSON.stringify(bodyOf(fake))
  return [origin + path, { method: 'POST', headers, body: text, ...init }, text]
}

/** What the host sends for one prompt. */
export function bodyOf(fake: Fake) {
  return fake.id === 'anthropic'
    ? {
        model: 'claude-sonnet-4-5',
        max_tokens: 64,
        messages: [{ role: 'user', content: 'hello' }],
      }
    : {
        model: 'gpt-5.1-codex',
        instructions: 'be brief',
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }] }],
        stream: true,
        store: false,
      }
}
