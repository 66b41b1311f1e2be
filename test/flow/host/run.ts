import type { Home } from './home.ts'
import { type Finished, startOpenCode } from './process.ts'

export interface Prompt {
  readonly prompt: string
  /** `provider/model`. */
  readonly model: string
  /** A title of its own saves the parallel title request. Default `test`; null = let the host ask. */
  readonly title?: string | null
  /** Continue this session. */
  readonly session?: string
  readonly agent?: string
  readonly timeoutMs?: number
  readonly args?: readonly string[]
}

/** A `run` takes 2–3.5 s; one that waits for a limit takes longer. */
const DEFAULT_TIMEOUT_MS = 30_000

/** One `opencode run`: the answer stands alone on stdout. */
export function runPrompt(home: Home, prompt: Prompt): Promise<Finished> {
  const { title = 'test', session, agent, args = [], timeoutMs = DEFAULT_TIMEOUT_MS } = prompt
  const flags = [
    '--model',
    prompt.model,
    ...(title === null || session !== undefined ? [] : ['--title', title]),
    ...(session === undefined ? [] : ['--session', session]),
    ...(agent === undefined ? [] : ['--agent', agent]),
    ...args,
  ]
  return startOpenCode(home, ['run', ...flags, prompt.prompt], timeoutMs).finished
}
