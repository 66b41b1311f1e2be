import { createServer } from 'node:net'
import { type Json, isObject, objectsOf, parseObject, textOf } from '../../fake/json.ts'
import { captureEvents } from './events.ts'
import type { Home } from './home.ts'
import { startOpenCode } from './process.ts'

export interface ServerPrompt {
  readonly prompt: string
  /** `provider/model`. */
  readonly model: string
  readonly agent?: string
}

export interface PromptAnswer {
  readonly text: string
  /** The message of the error that the host shows instead of an answer. */
  readonly error: string | undefined
  /** The whole answer of `POST /session/:id/message`. */
  readonly message: Json
}

const START_MS = 15_000
/** No test needs a server for longer. */
const LIFETIME_MS = 120_000
const POLL_MS = 25

/** `opencode serve`, with its events captured from before the first request. */
export async function startServer(
  home: Home,
  args: readonly string[] = [],
  lifetimeMs = LIFETIME_MS,
) {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const child = startOpenCode(
    home,
    ['serve', '--hostname', '127.0.0.1', '--port', String(port), ...args],
    lifetimeMs,
  )
  await waitForLine(child.stdout, 'listening on', child.finished)
  const capture = await captureEvents(origin)

  async function call(method: string, path: string, body?: object): Promise<Json> {
    const response = await fetch(origin + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} → ${response.status} ${text}`)
    return parseObject(text) ?? { value: text }
  }

  async function createSession(title = 'test'): Promise<string> {
    const session = await call('POST', '/session', { title })
    return textOf(session['id']) ?? ''
  }

  async function prompt(session: string, asked: ServerPrompt): Promise<PromptAnswer> {
    const [providerID, ...model] = asked.model.split('/')
    const message = await call('POST', `/session/${session}/message`, {
      model: { providerID, modelID: model.join('/') },
      parts: [{ type: 'text', text: asked.prompt }],
      ...(asked.agent === undefined ? {} : { agent: asked.agent }),
    })
    return { text: textIn(message), error: errorIn(message), message }
  }

  return {
    origin,
    pid: child.pid,
    stdout: child.stdout,
    stderr: child.stderr,
    /** Any other call; `/doc` lists them. An answer that is no object comes as `{value: text}`. */
    call,
    createSession,
    prompt,
    events: capture.events,
    waitForEvent: capture.waitFor,
    /** Ends the project's instance: plugins are disposed, and initialised again when asked next. */
    dispose: () => call('POST', '/instance/dispose'),
    kill: child.kill,
    /** Ends the server as a person would, and as a last resort by force. */
    stop: async () => {
      capture.close()
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
      await child.finished
      clearTimeout(timer)
    },
  }
}

export type HostServer = Awaited<ReturnType<typeof startServer>>

/** `serve --port 0` takes 4096, so the port is chosen here. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('No free port.'))
        else resolve(address.port)
      })
    })
  })
}

async function waitForLine(
  output: () => string,
  line: string,
  finished: Promise<{ readonly stderr: string }>,
): Promise<void> {
  let end: string | undefined
  void finished.then(({ stderr }) => (end = stderr))
  const deadline = performance.now() + START_MS
  while (!output().includes(line)) {
    if (end !== undefined) throw new Error(`OpenCode ended before it listened:\n${end}`)
    if (performance.now() > deadline) throw new Error(`OpenCode did not listen: ${output()}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function textIn(message: Json): string {
  const texts = objectsOf(message['parts']).filter((part) => part['type'] === 'text')
  return texts.map((part) => textOf(part['text']) ?? '').join('')
}

function errorIn(message: Json): string | undefined {
  const info = message['info']
  const error = isObject(info) ? info['error'] : undefined
  const detail = isObject(error) ? error['data'] : undefined
  return isObject(detail) ? textOf(detail['message']) : undefined
}
