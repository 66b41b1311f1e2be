import { AS_SENT, REQUEST, poolOver } from './latency.ts'
import { type Row, percentile } from './table.ts'
import { type Upstream, startUpstream } from './upstream.ts'

const SAMPLES = 400
const WARM_UP = 50
const OF_FIRST = { ...AS_SENT.headers, authorization: 'Bearer access-0' }
const OF_SECOND = { ...AS_SENT.headers, authorization: 'Bearer access-1' }

/** A 429 of the first account, then the answer of the second; bare: the same two requests. */
export async function measureFailover(): Promise<Row[]> {
  const server = await startUpstream(0, { limitedToken: 'access-0' })
  const url = `${server.origin}/v1/messages?beta=true`
  const pooled: number[] = []
  const bare: number[] = []
  for (let sample = 0; sample < SAMPLES + WARM_UP; sample++) {
    const bareMs = await timed(async () => {
      await drain(fetch(url, { ...AS_SENT, headers: OF_FIRST }))
      await drain(fetch(url, { ...AS_SENT, headers: OF_SECOND }))
    })
    const pool = poolOver(server, 2)
    await pool.ready
    const pooledMs = await timed(() => drain(pool.fetch(`${server.origin}/v1/messages`, REQUEST)))
    await pool.dispose()
    if (sample < WARM_UP) continue
    bare.push(bareMs)
    pooled.push(pooledMs)
  }
  await server.close()
  return [0.5, 0.99].map((share) => ({
    what: `failover after a 429, added, p${share * 100}`,
    measured: percentile(pooled, share) - percentile(bare, share),
    unit: 'ms',
    target: 5,
    bare: percentile(bare, share),
  }))
}

/** From the caller's abort to the rejection, while the provider is silent. */
export async function measureAbort(): Promise<Row[]> {
  const server = await startUpstream(0, { isSilent: true })
  const pool = poolOver(server, 2)
  await pool.ready
  const took = await Promise.all(Array.from({ length: 200 }, () => abortOne(server, pool)))
  await pool.dispose()
  await server.close()
  const measured = percentile(took, 1)
  return [
    {
      what: '200 aborted requests, the slowest',
      measured,
      unit: 'ms',
      target: 50,
      bare: undefined,
    },
  ]
}

async function abortOne({ origin }: Upstream, pool: ReturnType<typeof poolOver>): Promise<number> {
  const stop = new AbortController()
  const asking = pool.fetch(`${origin}/v1/messages`, { ...REQUEST, signal: stop.signal })
  let aborted = 0
  const rejected = asking.then(
    () => Infinity,
    () => performance.now() - aborted,
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  aborted = performance.now()
  stop.abort()
  return rejected
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function drain(sending: Promise<Response>): Promise<void> {
  await (await sending).arrayBuffer()
}
