import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stripEvents, stripResponse } from '../../../src/provider/anthropic/strip-response.ts'

const SENT = new Set(['mcp_bash', 'mcp_read_ü'])
const ENCODER = new TextEncoder()

/** A stream with every trap: names in text, in inputs, in other blocks, unsent names, padding. */
const LINES = [
  'event: message_start',
  'data: {"type":"message_start","message":{"id":"msg_1","content":[],"model":"claude-opus-4-5"}}',
  '',
  'event: content_block_start',
  'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","name":"mcp_bash"}}',
  '',
  'event: ping',
  'data: {"type": "ping"}',
  '',
  ': a comment with content_block_start and "name":"mcp_bash" — ünï',
  'event: content_block_delta',
  'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"😀 \\"name\\":\\"mcp_bash\\" content_block_start 日本語"}}',
  '',
  'event: content_block_start',
  'data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","input":{"name":"mcp_bash","é":1},"name":"mcp_bash"}           }',
  '',
  'event: content_block_delta',
  'data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"name\\":\\"mcp_bash\\"}"}}',
  '',
  'event: content_block_start',
  'data:{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_2","name":"mcp_read_ü","input":{}}}',
  '',
  'event: content_block_start',
  'data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_3","name":"mcp_github","input":{}}}',
  '',
  'event: content_block_start',
  'data: {"type":"content_block_start","index":4,"content_block":{"type":"server_tool_use","id":"s","name":"mcp_bash","input":{}}}',
  '',
  'data: {"broken content_block_start "name":"mcp_bash"',
  'data: [DONE]',
  '',
]
const STRIPPED = LINES.map((line) =>
  line
    .replace('"é":1},"name":"mcp_bash"', '"é":1},"name":"bash"')
    .replace('"toolu_2","name":"mcp_read_ü"', '"toolu_2","name":"read_ü"'),
)

describe('a streamed answer', () => {
  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('loses the prefix in started tools and nothing else, split anywhere (%s)', async (_, end) => {
    const bytes = ENCODER.encode(LINES.join(end))
    const expected = STRIPPED.join(end)
    for (let split = 0; split <= bytes.byteLength; split += 1) {
      // oxlint-disable-next-line no-await-in-loop -- thousands of streams at once prove no more
      expect(await transformed([bytes.subarray(0, split), bytes.subarray(split)])).toBe(expected)
    }
  })

  it('does so in any number of chunks of any size', async () => {
    const bytes = ENCODER.encode(LINES.join('\n'))
    const cuts = fc.array(fc.nat(bytes.byteLength), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const sorted = [0, ...places.toSorted((a, b) => a - b), bytes.byteLength]
        const chunks = sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
        expect(await transformed(chunks)).toBe(STRIPPED.join('\n'))
      }),
      { numRuns: 300 },
    )
  })

  it('does so byte by byte', async () => {
    const bytes = ENCODER.encode(LINES.join('\r\n'))
    const chunks = [...bytes].map((byte) => Uint8Array.of(byte))
    expect(await transformed(chunks)).toBe(STRIPPED.join('\r\n'))
  })

  it('passes bytes that are no text through as they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        async (chunks) => {
          const passed = await collect(chunks)
          expect([...passed]).toEqual(chunks.flatMap((chunk) => [...chunk]))
        },
      ),
    )
  })

  it('passes a complete line on before the next one comes', async () => {
    const transform = stripEvents(SENT)
    const writer = transform.writable.getWriter()
    const reader = transform.readable.getReader()
    void writer.write(ENCODER.encode('data: {"type":"ping"}\nda'))
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toBe('data: {"type":"ping"}\n')
  })

  it('gives chunks without a started block back as they are', async () => {
    const chunk = ENCODER.encode('event: ping\ndata: {"type": "ping"}\n\n')
    const transform = stripEvents(SENT)
    const writer = transform.writable.getWriter()
    void writer.write(chunk)
    const { value } = await transform.readable.getReader().read()
    expect(value?.buffer).toBe(chunk.buffer)
  })

  it('ends its source when the reader goes away', async () => {
    const cancelled = new Promise((resolve) => {
      const source = new ReadableStream<Uint8Array>({ cancel: resolve })
      const response = new Response(source, { headers: { 'content-type': 'text/event-stream' } })
      void stripResponse(response, SENT).body?.cancel('gone')
    })
    expect(await cancelled).toBe('gone')
  })

  it('fails with the error of its source', async () => {
    const failure = new Error('connection lost')
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(failure),
    })
    const response = new Response(source, { headers: { 'content-type': 'text/event-stream' } })
    await expect(stripResponse(response, SENT).text()).rejects.toBe(failure)
  })

  it('keeps status and headers, but not a length that is no longer right', () => {
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      'content-length': '9',
      'request-id': 'req_1',
    }
    const response = stripResponse(new Response('x', { status: 201, headers }), SENT)
    expect(response.status).toBe(201)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/event-stream; charset=utf-8',
      'request-id': 'req_1',
    })
  })
})

describe('a plain JSON answer', () => {
  it('loses the prefix in tool_use blocks and no other byte', async () => {
    const json = `{ "content": [
      {"type":"text","text":"\\"name\\":\\"mcp_bash\\" 😀","name":"mcp_bash"},
      {"type":"tool_use","input":{"name":"mcp_bash","n":1.0},"name":"mcp_bash"},
      {"type":"tool_use","name":"mcp_bash","input":{}},
      {"type":"tool_use","name":"mcp_github","input":{}} ], "name":"mcp_bash" }`
    const expected = json
      .replace('"n":1.0},"name":"mcp_bash"', '"n":1.0},"name":"bash"')
      .replace('"name":"mcp_bash","input":{}', '"name":"bash","input":{}')
    expect(await plain(json)).toBe(expected)
  })

  it.each([
    '',
    'null',
    '[]',
    '{"content":"mcp_bash"}',
    '{"content":[{"type":"tool_use"',
    'mcp_bash',
  ])('is passed on as it is when it is %j', async (json) => {
    expect(await plain(json)).toBe(json)
  })

  it('finds a name that is written with escapes', async () => {
    const json = '{"content":[{"type":"tool_use","name":"mcp\\u005fbash"}]}'
    expect(await plain(json)).toBe('{"content":[{"type":"tool_use","name":"bash"}]}')
  })
})

describe('an answer of another kind', () => {
  it('is the same object', () => {
    const page = new Response('"mcp_bash"', { headers: { 'content-type': 'text/html' } })
    const empty = new Response(null, { headers: { 'content-type': 'application/json' } })
    expect(stripResponse(page, SENT)).toBe(page)
    expect(stripResponse(empty, SENT)).toBe(empty)
  })
})

async function plain(json: string): Promise<string> {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return stripResponse(new Response(json, { headers }), SENT).text()
}

async function transformed(chunks: readonly Uint8Array[]): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await collect(chunks))
}

async function collect(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  const parts: number[] = []
  for await (const part of source.pipeThrough(stripEvents(SENT))) parts.push(...part)
  return Uint8Array.from(parts)
}
