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
  const server = createServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json')
    request.on('end', () => {
      if (workerData.afterMs === 0) response.end(answer)
      else setTimeout(() => response.end(answer), workerData.afterMs)
    })
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

/** A server that answers every request with 200 after a while. */
export async function startUpstream(afterMs: number): Promise<Upstream> {
  const worker = new Worker(PROGRAM, { eval: true, workerData: { afterMs } })
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  return { origin: `http://127.0.0.1:${port}`, close: () => worker.terminate() }
}
