import { sse } from '../fake/dialect.ts'
import { createAccountPool } from './built.ts'
import { type Row, percentile } from './table.ts'
import { type Upstream, startStreaming } from './upstream.ts'

/** About 4 MB, a thousand times what a model writes in a second. */
const DELTAS = 20_000
const PAIRS = 40
const WARM_UP = 5
const HOUR = 3_600_000
/** What the transform takes away. */
const PREFIX_BYTES = 'mcp_'.length
const TOOLS = [{ name: 'look', input_schema: { type: 'object' } }]
const REQUEST = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    model: 'claude-sonnet-4-5',
    max_tokens: 8,
    stream: true,
    messages: [],
    tools: TOOLS,
  }),
}

/** What watching a stream and taking tool prefixes off costs, against a pipe that does nothing. */
export async function measureStreams(): Promise<Row[]> {
  const what = 'a stream, watched and transformed, time'
  const chunks = answer()
  const server = await startStreaming(chunks)
  const pool = poolOver(server)
  const bytes = Buffer.byteLength(chunks.join(''))
  const url = `${server.origin}/v1/messages`
  const piped = async () => {
    const { body } = await fetch(url, REQUEST)
    return drain(new Response(body?.pipeThrough(new TransformStream()) ?? null))
  }
  const pooled = () => drain(pool.fetch(url, REQUEST))
  const ratios: number[] = []
  for (let round = 0; round < PAIRS + WARM_UP; round++) {
    const took = { piped: 0, pooled: 0 }
    const arms = [['piped', piped] as const, ['pooled', pooled] as const]
    for (const [name, arm] of Math.random() < 0.5 ? arms : arms.toReversed()) {
      const start = performance.now()
      const read = await arm()
      took[name] = performance.now() - start
      if (Math.abs(read - bytes) > PREFIX_BYTES) throw new Error(`${read} of ${bytes} bytes came`)
    }
    if (round >= WARM_UP) ratios.push(took.pooled / took.piped)
  }
  await pool.dispose()
  await server.close()
  const measured = percentile(ratios, 0.5)
  return [{ what, measured, unit: '× bare pipe', target: 1 / 0.9, bare: 1 }]
}

/** A long answer with a tool's call at its end. */
function answer(): string[] {
  const text = { type: 'text_delta', text: 'forty characters of what a model says, ' }
  const delta = sse({ type: 'content_block_delta', index: 0, delta: text })
  const tool = { type: 'tool_use', id: 'toolu_1', name: 'mcp_look', input: {} }
  return [
    sse({ type: 'message_start', message: { id: 'msg_1', content: [] } }),
    sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    ...Array.from({ length: DELTAS }, () => delta),
    sse({ type: 'content_block_start', index: 1, content_block: tool }),
    sse({ type: 'message_stop' }),
  ]
}

function poolOver({ origin }: Upstream) {
  return createAccountPool({
    provider: 'anthropic',
    settings: { endpoints: { api: `${origin}/v1` } },
    accounts: [
      {
        uuid: 'account-0',
        refreshToken: 'refresh-0',
        accessToken: 'access-0',
        expiresAt: Date.now() + HOUR * 8,
      },
    ],
  })
}

/** How many bytes came. */
async function drain(sending: Response | Promise<Response>): Promise<number> {
  const { body } = await sending
  let bytes = 0
  for await (const chunk of body ?? []) bytes += chunk.byteLength
  return bytes
}
