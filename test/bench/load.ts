import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createAccountPool } from './built.ts'
import { type Row, percentile } from './table.ts'
import { type Upstream, startUpstream } from './upstream.ts'

const REQUESTS = 1_000
const ACCOUNTS = 10
const CAP = 8
const ROUNDS = 9
const UPSTREAM_MS = 30
/** Long enough that all requests are on their way, or in line, when memory is measured. */
const HELD_MS = 4_000
const SETTLED_MS = 2_000
const HOUR = 3_600_000
const BODY = JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 8, messages: [] })

type Send = (index: number, signal?: AbortSignal) => Promise<Response>

/** 1,000 requests at once over 10 accounts: lost answers, time, and what one of them holds. */
export async function measureLoad(): Promise<Row[]> {
  return [
    ...(await measureTime(0, REQUESTS)),
    ...(await measureTime(CAP, CAP * ACCOUNTS)),
    // A signal of its own, with which Bun hangs up, and the watch over its stream.
    await measureMemory('a request in flight holds, above a bare one', 0, 16),
    await measureMemory('a request in line holds', 1, 10),
  ]
}

/** `atOnce`: as many bare requests are on their way at a time as the pool lets through. */
async function measureTime(cap: number, atOnce: number): Promise<Row[]> {
  const server = await startUpstream(UPSTREAM_MS)
  const pool = poolOver(server, cap)
  const ratios: number[] = []
  let lost = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const bareMs = await timed(() => bareRequests(server, atOnce))
    const pooledMs = await timed(async () => {
      const delivered = await Promise.all(Array.from({ length: REQUESTS }, (_, at) => ok(pool, at)))
      lost += delivered.filter((isDelivered) => !isDelivered).length
    })
    if (round > 0) ratios.push(pooledMs / bareMs)
  }
  await pool.dispose()
  await server.close()
  const what = `1,000 parallel requests, ${cap === 0 ? 'no cap' : `cap ${cap}`}`
  return [
    { what: `${what}, lost`, measured: lost, unit: '', target: 0, bare: 0 },
    {
      what: `${what}, time`,
      measured: percentile(ratios, 0.5),
      unit: '× bare',
      target: 1.5,
      bare: 1,
    },
  ]
}

/** Heap per request while all are held: with a cap of 1 almost all of them stand in line. */
async function measureMemory(what: string, cap: number, target: number): Promise<Row> {
  const server = await startUpstream(HELD_MS)
  const pool = poolOver(server, cap)
  const bare: Send = (_, signal) => fetch(urlOf(server), { ...requestOf(0), ...withSignal(signal) })
  const pooled: Send = (at, signal) =>
    pool.fetch(urlOf(server), { ...requestOf(at), ...withSignal(signal) })
  // Both once before: what the runtime makes once is nobody's.
  if (cap === 0) await held(bare)
  await held(pooled)
  const bareKb = cap === 0 ? await held(bare) : 0
  const pooledKb = await held(pooled)
  await pool.dispose()
  await server.close()
  return { what, measured: pooledKb - bareKb, unit: 'kB', target, bare: undefined }
}

async function held(send: Send): Promise<number> {
  const before = heapKb()
  const stops = Array.from({ length: REQUESTS }, () => new AbortController())
  const sent = stops.map((stop, at) => send(at, stop.signal).catch(() => undefined))
  await delay(SETTLED_MS)
  const kb = (heapKb() - before) / REQUESTS
  for (const stop of stops) stop.abort()
  await Promise.all(sent)
  // Sockets close behind us; the next measurement is not to see them.
  await delay(SETTLED_MS / 4)
  return kb
}

async function bareRequests(server: Upstream, atOnce: number): Promise<void> {
  let left = REQUESTS
  const one = async () => {
    while (left-- > 0) await (await fetch(urlOf(server), requestOf(0))).arrayBuffer()
  }
  await Promise.all(Array.from({ length: atOnce }, one))
}

async function ok(pool: ReturnType<typeof poolOver>, at: number): Promise<boolean> {
  const response = await pool.fetch('https://api.anthropic.com/v1/messages', requestOf(at))
  await response.arrayBuffer()
  return response.status === 200
}

function poolOver({ origin }: Upstream, cap: number) {
  return createAccountPool({
    provider: 'anthropic',
    settings: { endpoints: { api: origin }, max_in_flight_per_account: cap },
    accounts: Array.from({ length: ACCOUNTS }, (_, index) => ({
      uuid: `account-${index}`,
      refreshToken: `refresh-${index}`,
      accessToken: `access-${index}`,
      expiresAt: Date.now() + HOUR * 8,
    })),
  })
}

function requestOf(index: number): RequestInit {
  const headers = { 'content-type': 'application/json', 'x-session-id': `conversation-${index}` }
  return { method: 'POST', headers, body: BODY }
}

function withSignal(signal: AbortSignal | undefined): RequestInit {
  return signal === undefined ? {} : { signal }
}

function urlOf({ origin }: Upstream): string {
  return `${origin}/v1/messages`
}

function heapKb(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  for (let round = 0; round < 2; round++) if (typeof collect === 'function') collect()
  return process.memoryUsage().heapUsed / 1_000
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
