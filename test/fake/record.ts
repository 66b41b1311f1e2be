import type { HttpRequest } from './http.ts'
import { type Json, textOf } from './json.ts'

/** One request that the fake has seen. `status` is undefined until it is answered. */
export interface RecordedRequest {
  /** Epoch ms. */
  readonly at: number
  /** The account that the bearer token stands for, if it is accepted. */
  readonly account: string | undefined
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly session: string | undefined
  readonly parent: string | undefined
  readonly model: string | undefined
  readonly status: number | undefined
  readonly bodyText: string
  readonly headers: Readonly<Record<string, string>>
}

/** How long a test waits for a request that should come. */
const PATIENCE_MS = 10_000

/** The list of requests, and the way to wait for one. */
export function createRecord() {
  const requests: RecordedRequest[] = []
  const watchers = new Set<() => void>()

  /** Adds a request; the answer's status is filled in later. */
  function add(request: RecordedRequest): (status: number) => void {
    const index = requests.push(request) - 1
    for (const look of watchers) look()
    return (status) => {
      requests[index] = { ...request, status }
      for (const look of watchers) look()
    }
  }

  /** The first request, past or to come, that the predicate picks. */
  function waitFor(
    predicate: (request: RecordedRequest) => boolean,
    timeoutMs = PATIENCE_MS,
  ): Promise<RecordedRequest> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(look)
        const seen = requests.map(({ account, path, status }) => `${account} ${path} ${status}`)
        reject(new Error(`No such request within ${timeoutMs} ms. Seen:\n${seen.join('\n')}`))
      }, timeoutMs)
      function look() {
        const found = requests.find(predicate)
        if (found === undefined) return
        clearTimeout(timer)
        watchers.delete(look)
        resolve(found)
      }
      watchers.add(look)
      look()
    })
  }

  return { requests, add, waitFor }
}

/** The conversation a request belongs to, and the one that started it as a subagent. */
export function conversationOf({ headers }: Pick<HttpRequest, 'headers'>, body: Json) {
  const named = headers['x-session-id'] ?? headers['x-session-affinity'] ?? headers['session-id']
  return {
    session: named ?? textOf(body['prompt_cache_key']),
    parent: headers['x-parent-session-id'],
  }
}
