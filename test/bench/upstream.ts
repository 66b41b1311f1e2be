import { Worker } from 'node:worker_threads'

export interface Upstream {
  readonly origin: string
  close(): Promise<number>
}

/** In a thread of its own: what the server collects as garbage is not the client's latency. */
const PROGRAM = `
  const { createServer } = require('node:http')
  const { parentPort, workerData } = require('node:worker_threads')
  const answer = '{"type":"message","content":[]}'
  const refusal = '{"type":"error","error":{"type":"rate_limit_error","message":"limited"}}'
  const prefix = 'anthropic-ratelimit-unified-'
  const inAnHour = String(Math.floor(Date.now() / 1000) + 3600)
  const server = createServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json')
    request.on('end', () => {
      if (request.headers.authorization === workerData.limited) {
        response.writeHead(429, { [prefix + '5h-status']: 'rejected', [prefix + '5h-reset']: inAnHour })
        return response.end(refusal)
      }
      if (workerData.isSilent) return
      if (workerData.afterMs === 0) response.end(answer)
      else setTimeout(() => response.end(answer), workerData.afterMs)
    })
  })
  // Node's five seconds would cut connections that a client is just using again.
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

const STREAM_PROGRAM = `
  const { createServer } = require('node:http')
  const { parentPort, workerData } = require('node:worker_threads')
  const chunks = workerData.chunks.map((chunk) => Buffer.from(chunk))
  const server = createServer(async (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const chunk of chunks) {
      if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve))
    }
    response.end()
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

/** A server that streams these chunks, as fast as they are taken. */
export function startStreaming(chunks: readonly string[]): Promise<Upstream> {
  return start(STREAM_PROGRAM, { chunks })
}

interface Behavior {
  /** The token of an account that is used up. */
  readonly limitedToken?: string
  /** Takes the requests of all others and never answers. */
  readonly isSilent?: boolean
}

/** A server that answers every request with 200 after a while. */
export function startUpstream(
  afterMs: number,
  { limitedToken, isSilent = false }: Behavior = {},
): Promise<Upstream> {
  return start(PROGRAM, { afterMs, limited: `Bearer ${limitedToken}`, isSilent })
}

async function start(program: string, workerData: object): Promise<Upstream> {
  const worker = new Worker(program, { eval: true, workerData })
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  return { origin: `http://127.0.0.1:${port}`, close: () => worker.terminate() }
}
