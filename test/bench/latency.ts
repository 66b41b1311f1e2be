import { createAccountPool } from './built.ts'
import { type Row, percentile } from './table.ts'
import { type Upstream, startUpstream } from './upstream.ts'

/** Enough that the slowest hundredth is more than a few collections of garbage. */
const PAIRS = 6_000
const WARM_UP = 300
const PARALLEL = 80
const UPSTREAM_MS = 30
const HOUR = 3_600_000
export const REQUEST = {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-session-id': 'one' },
  body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 8, messages: [] }),
}

/** What goes over the wire with the pool: the bare request carries the same. */
export const AS_SENT = {
  ...REQUEST,
  headers: {
    ...REQUEST.headers,
    authorization: 'Bearer access-0',
    'anthropic-beta': 'oauth-2025-04-20,interleaved-thinking-2025-05-14',
    'user-agent': 'claude-cli/2.1.2 (external, cli)',
  },
}

/** What the pool adds to a request that succeeds: pairs of a bare and a pooled request. */
export async function measureLatency(accounts: number): Promise<Row[]> {
  const server = await startUpstream(0)
  const pool = poolOver(server, accounts)
  const sendBare = () => fetch(`${server.origin}/v1/messages?beta=true`, AS_SENT)
  const sendPooled = () => pool.fetch(`${server.origin}/v1/messages`, REQUEST)
  const bare: number[] = []
  const pooled: number[] = []
  for (let pair = 0; pair < PAIRS + WARM_UP; pair++) {
    // Which goes first is left to chance: garbage that comes due in step must not hit one side.
    const arms = Math.random() < 0.5 ? [sendBare, sendPooled] : [sendPooled, sendBare]
    for (const send of arms) {
      const took = await timed(send)
      if (pair >= WARM_UP) (send === sendBare ? bare : pooled).push(took)
    }
  }
  await pool.dispose()
  await server.close()
  const added = (share: number) => percentile(pooled, share) - percentile(bare, share)
  const name = `added latency, ${accounts} accounts`
  const p50 = {
    what: `${name}, p50`,
    measured: added(0.5),
    unit: 'ms',
    bare: percentile(bare, 0.5),
  }
  const p99 = {
    what: `${name}, p99`,
    measured: added(0.99),
    unit: 'ms',
    bare: percentile(bare, 0.99),
  }
  return accounts > 3
    ? [{ ...p50, target: 0.3 }]
    : [
        { ...p50, target: 0.2 },
        { ...p99, target: 1 },
      ]
}

/** 80 requests at once against an upstream that answers after 30 ms: none may be lost. */
export async function measureParallel(): Promise<Row[]> {
  const server = await startUpstream(UPSTREAM_MS)
  const pool = poolOver(server, 3)
  await all(() => fetch(`${server.origin}/v1/messages?beta=true`, AS_SENT))
  await all(() => pool.fetch(`${server.origin}/v1/messages`, REQUEST))
  const ratios: number[] = []
  let lost = 0
  for (let round = 0; round < 15; round++) {
    const bareMs = await timedAll(() =>
      all(() => fetch(`${server.origin}/v1/messages?beta=true`, AS_SENT)),
    )
    const pooledMs = await timedAll(async () => {
      const delivered = await all(() => pool.fetch(`${server.origin}/v1/messages`, REQUEST))
      lost += delivered.filter((ok) => !ok).length
    })
    ratios.push(pooledMs / bareMs)
  }
  await pool.dispose()
  await server.close()
  return [
    { what: '80 parallel requests, lost', measured: lost, unit: '', target: 0, bare: 0 },
    {
      what: '80 parallel requests, time',
      measured: percentile(ratios, 0.5),
      unit: '× bare',
      target: 1.2,
      bare: 1,
    },
  ]
}

async function all(send: () => Promise<Response>): Promise<boolean[]> {
  const requests = Array.from({ length: PARALLEL }, async () => (await drain(send())) === 200)
  return Promise.all(requests)
}

export function poolOver({ origin }: Upstream, count: number) {
  return createAccountPool({
    provider: 'anthropic',
    settings: { endpoints: { api: origin, usage: origin } },
    accounts: Array.from({ length: count }, (_, index) => ({
      uuid: `account-${index}`,
      refreshToken: `refresh-${index}`,
      accessToken: `access-${index}`,
      expiresAt: Date.now() + HOUR * 8,
    })),
  })
}

async function timed(send: () => Promise<Response>): Promise<number> {
  return timedAll(() => drain(send()))
}

async function timedAll(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function drain(sending: Promise<Response>): Promise<number> {
  const response = await sending
  await response.arrayBuffer()
  return response.status
}
