import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RotaError } from '../../src/errors.ts'
import { readEvent } from '../../src/provider/anthropic/stream.ts'
import { stripResponse } from '../../src/provider/anthropic/strip-response.ts'
import { openAnswer } from '../../src/request/stream.ts'
import { createMachineTime } from '../pool/machine-time.ts'
import { sse } from '../fake/dialect.ts'

const START = sse({ type: 'message_start', message: { content: [] } })
const EMPTY = sse({ type: 'content_block_start', content_block: { type: 'text', text: '' } })
const TEXT = sse({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'Grüße 😀' } })
const TOOL = sse({
  type: 'content_block_start',
  content_block: { type: 'tool_use', name: 'mcp_bash', input: { name: 'mcp_bash' } },
})
const STOP = sse({ type: 'message_stop' })
const OVERLOADED = sse({ type: 'error', error: { type: 'overloaded_error', message: 'Busy' } })
const encoder = new TextEncoder()

describe('a stream before it shows anything', () => {
  it('is held until the first content, then handed on from its first byte', async () => {
    const stream = start()
    stream.push(START + EMPTY)
    expect(await stream.isOpen()).toBe(false)
    stream.push(TEXT)
    const response = await stream.response()
    stream.push(STOP)
    stream.close()
    expect(await response.text()).toBe(START + EMPTY + TEXT + STOP)
    expect(stream.told).toEqual(['complete', 'released'])
  })

  it('fails with what its error says, and is cancelled', async () => {
    const stream = start()
    stream.push(START)
    stream.push(EMPTY + OVERLOADED)
    expect(await stream.opening).toMatchObject({ kind: 'failed', error: { status: 529 } })
    expect(stream.cancelled()).toBe(true)
    expect(stream.told).toEqual([])
  })

  it.each([
    ['is closed', (stream: Started) => stream.close()],
    ['breaks', (stream: Started) => stream.fail(new Error('ECONNRESET'))],
  ])('is lost when it %s', async (_, end) => {
    const stream = start()
    stream.push(START + EMPTY)
    expect(await stream.isOpen()).toBe(false)
    end(stream)
    expect(await stream.opening).toMatchObject({ kind: 'lost', error: { code: 'stream' } })
    expect(stream.told).toEqual([])
  })

  it('is lost when it is closed without a word', async () => {
    const stream = start()
    stream.close()
    expect(await stream.opening).toMatchObject({ kind: 'lost' })
  })

  it('is handed on after 20 s, and still watched', async () => {
    const stream = start()
    stream.push(START)
    expect(await stream.isOpen()).toBe(false)
    stream.time.pass(19_999)
    expect(await stream.isOpen()).toBe(false)
    stream.time.pass(1)
    const response = await stream.response()
    stream.push(OVERLOADED)
    stream.close()
    expect(await response.text()).toBe(START + OVERLOADED)
    expect(stream.told).toEqual(['failed 529', 'released'])
  })

  it('is handed on after 256 KiB', async () => {
    const stream = start()
    const long = sse({ type: 'message_start', message: 'x'.repeat(100_000) })
    stream.push(long + long)
    expect(await stream.isOpen()).toBe(false)
    stream.push(long)
    const response = await stream.response()
    stream.push(STOP)
    stream.close()
    expect(await response.text()).toHaveLength(3 * long.length + STOP.length)
  })

  it('is handed on when it says something that we do not know', async () => {
    const stream = start()
    stream.push('data: {"greeting":"hi"}\n\n')
    const response = await stream.response()
    stream.close()
    expect(await response.text()).toContain('hi')
    expect(stream.told).toEqual(['complete', 'released'])
  })

  it('rejects with the reason of an abort at once, and is cancelled', async () => {
    const stream = start()
    stream.push(START)
    expect(await stream.isOpen()).toBe(false)
    const reason = { because: 'escape' }
    const settled = stream.opening.catch((error: unknown) => error)
    const before = performance.now()
    stream.stop.abort(reason)
    expect(await settled).toBe(reason)
    expect(performance.now() - before).toBeLessThan(50)
    expect(stream.cancelled()).toBe(true)
    expect(stream.time.armed()).toBe(0)
  })
})

describe('a stream that shows something', () => {
  it('ends well with its own end, however the connection ends then', async () => {
    for (const end of ['close', 'fail'] as const) {
      const stream = start()
      stream.push(START + TEXT + STOP)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const response = await stream.response()
      if (end === 'close') stream.close()
      else stream.fail(new Error('ECONNRESET'))
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await response.text()).toBe(START + TEXT + STOP)
      expect(stream.told).toEqual(['complete', 'released'])
    }
  })

  it.each([
    ['is closed without its end', (stream: Started) => stream.close()],
    ['breaks', (stream: Started) => stream.fail(new Error('Bearer token-1'))],
  ])('is an error with a sentence when it %s, and no success', async (_, end) => {
    const stream = start()
    stream.push(START + TEXT)
    const reader = bodyOf(await stream.response()).getReader()
    expect(decode((await reader.read()).value)).toBe(START + TEXT)
    end(stream)
    const failure = await reader.read().catch((error: unknown) => error)
    expect(failure).toMatchObject({
      name: 'RotaError',
      code: 'stream',
      message: 'connection lost: the answer of Anthropic broke off before its end.',
    })
    expect(stream.told).toEqual(['released'])
  })

  it('is closed when it breaks inside an event', async () => {
    const stream = start()
    stream.push(START + TEXT + STOP.slice(0, -4))
    const response = await stream.response()
    stream.close()
    await expect(response.text()).rejects.toMatchObject({ code: 'stream' })
  })

  it('hands an error on byte for byte and tells of it once', async () => {
    const stream = start()
    stream.push(START + TEXT)
    const response = await stream.response()
    stream.push(OVERLOADED + OVERLOADED)
    stream.close()
    expect(await response.text()).toBe(START + TEXT + OVERLOADED + OVERLOADED)
    expect(stream.told).toEqual(['failed 529', 'released'])
  })

  it('is given up when nothing comes for four minutes, and not before', async () => {
    const stream = start()
    stream.push(START + TEXT)
    const reader = bodyOf(await stream.response()).getReader()
    await reader.read()
    const next = reader.read().catch((error: unknown) => error)
    stream.time.pass(200_000)
    stream.push(TEXT)
    expect(await next).toMatchObject({ done: false })
    const last = reader.read().catch((error: unknown) => error)
    await Promise.resolve()
    stream.time.pass(239_000)
    expect(stream.cancelled()).toBe(false)
    stream.time.pass(1_000)
    expect(await last).toMatchObject({
      code: 'stream',
      message: 'stream timed out: Anthropic sent nothing for 4 minutes.',
    })
    expect(stream.cancelled()).toBe(true)
    expect(stream.told).toEqual(['released'])
    expect(stream.time.armed()).toBe(0)
  })

  it('does not time a host that reads slowly', async () => {
    const stream = start()
    stream.push(START + TEXT)
    const reader = bodyOf(await stream.response()).getReader()
    await reader.read()
    stream.time.pass(1_000_000)
    stream.push(STOP)
    stream.close()
    expect(decode((await reader.read()).value)).toBe(STOP)
    expect(await reader.read()).toMatchObject({ done: true })
    expect(stream.told).toEqual(['complete', 'released'])
  })

  it('is cancelled when the host cancels the body', async () => {
    const stream = start()
    stream.push(START + TEXT)
    const reader = bodyOf(await stream.response()).getReader()
    await reader.read()
    await reader.cancel('enough')
    expect(stream.cancelled()).toBe(true)
    expect(stream.told).toEqual(['released'])
    expect(stream.time.armed()).toBe(0)
  })

  it('passes an abort on with its reason, read or not, and blames nobody', async () => {
    for (const isRead of [true, false]) {
      const stream = start()
      stream.push(START + TEXT)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const reader = bodyOf(await stream.response()).getReader()
      if (isRead) void reader.read()
      const pending = reader.read().catch((error: unknown) => error)
      stream.stop.abort('escape')
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const settled = await pending
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect([settled, await reader.read().catch((error: unknown) => error)]).toContain('escape')
      expect(stream.cancelled()).toBe(true)
      expect(stream.told).toEqual(['released'])
      expect(stream.time.armed()).toBe(0)
    }
  })

  it.each([
    ['cancels', (_: Started, body: ReadableStreamDefaultReader) => body.cancel()],
    ['aborts', (stream: Started) => stream.stop.abort('the host closes its scope')],
  ])('was a success when the host %s between its end and that of the bytes', async (_, leave) => {
    const stream = start()
    stream.push(START + TEXT)
    const reader = bodyOf(await stream.response()).getReader()
    await reader.read()
    stream.push(STOP)
    await reader.read()
    await leave(stream, reader)
    expect(stream.told).toEqual(['complete', 'released'])
  })

  it('was a success when the abort comes after its end', async () => {
    const stream = start()
    stream.push(START + TEXT + STOP)
    const response = await stream.response()
    stream.close()
    await response.text()
    stream.stop.abort('the host closes its scope')
    expect(stream.told).toEqual(['complete', 'released'])
  })
})

describe('an answer that is no stream', () => {
  it('is complete when its body was read', async () => {
    const stream = start('application/json')
    const response = await stream.response()
    stream.push('{"a":')
    stream.push('1}')
    stream.close()
    expect(stream.told).toEqual([])
    expect(await response.json()).toEqual({ a: 1 })
    expect(stream.told).toEqual(['complete', 'released'])
  })

  it('is complete at once without a body', async () => {
    const told: string[] = []
    const opened = await openAnswer(partsOf(told), new Response(null, { status: 204 }))
    expect(opened).toMatchObject({ kind: 'open', response: { status: 204 } })
    expect(told).toEqual(['complete', 'released'])
  })

  it('fails with its own error', async () => {
    const stream = start('application/json')
    const response = await stream.response()
    const error = new Error('broken')
    stream.fail(error)
    await expect(response.text()).rejects.toBe(error)
    expect(stream.told).toEqual(['released'])
  })
})

describe('any bytes', () => {
  const events = fc.constantFrom(START, EMPTY, TEXT, TOOL, ': comment\n\n', 'data: ü\r\n\r\n', '\r')
  const texts = fc.array(events, { maxLength: 12 }).map((parts) => encoder.encode(parts.join('')))
  const cuts = fc.array(fc.nat(), { maxLength: 40 })

  it('pass unchanged, chunk for chunk, whatever they are and however they are split', async () => {
    const raw = fc.uint8Array({ maxLength: 400 })
    await fc.assert(
      fc.asyncProperty(fc.oneof(texts, raw), cuts, async (bytes, places) => {
        const chunks = split(bytes, places)
        const { parts, failure } = await collect(chunks)
        // Nothing was shown: the host gets none of it, and another answer.
        if (failure === 'lost') return
        expect(parts).toEqual(chunks)
        expect(parts.every((part, index) => part === chunks[index])).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('lose only tool prefixes when the transform follows, split at every byte', async () => {
    const text = START + EMPTY + TEXT + TOOL.replaceAll('\n', '\r\n') + TOOL + STOP
    const bytes = encoder.encode(text)
    const bare = text.replaceAll('"name":"mcp_bash","input"', '"name":"bash","input"')
    for (let at = 0; at <= bytes.byteLength; at++) {
      const stream = start()
      stream.push(bytes.subarray(0, at))
      stream.push(bytes.subarray(at))
      stream.close()
      // oxlint-disable-next-line no-await-in-loop -- hundreds of streams at once prove no more
      const response = stripResponse(await stream.response(), new Set(['mcp_bash']))
      // oxlint-disable-next-line no-await-in-loop -- hundreds of streams at once prove no more
      expect(await response.text()).toBe(bare)
      expect(stream.told).toEqual(['complete', 'released'])
    }
  })
})

async function collect(chunks: readonly Uint8Array[]) {
  const stream = start()
  for (const chunk of chunks) stream.push(chunk)
  stream.close()
  const opened = await stream.opening
  if (opened.kind !== 'open') return { parts: [], failure: opened.kind }
  const reader = bodyOf(opened.response).getReader()
  const parts: Uint8Array[] = []
  try {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- a stream comes one chunk after the other
      const { done, value } = await reader.read()
      if (done) return { parts, failure: undefined }
      parts.push(value)
    }
  } catch (error) {
    if (error instanceof RotaError && error.code === 'stream') return { parts, failure: 'stream' }
    throw error
  }
}

function split(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = places.map((place) => place % (bytes.byteLength + 1))
  const sorted = [0, ...at.toSorted((a, b) => a - b), bytes.byteLength]
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

type Started = ReturnType<typeof start>

/** A stream from a provider that the test is. */
function start(type = 'text/event-stream; charset=utf-8') {
  const time = createMachineTime()
  const told: string[] = []
  const stop = new AbortController()
  let wasCancelled = false
  let source: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        source = controller
      },
      cancel() {
        wasCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  const response = new Response(body, { headers: { 'content-type': type } })
  const opening = openAnswer({ ...partsOf(told), world: time, signal: stop.signal }, response)
  opening.catch(() => {})
  return {
    time,
    told,
    stop,
    opening,
    push(chunk: string | Uint8Array) {
      source?.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
    },
    close: () => source?.close(),
    fail: (error: Error) => source?.error(error),
    cancelled: () => wasCancelled,
    /** Once everything that was pushed so far is read. */
    async isOpen() {
      const later = new Promise((resolve) => setImmediate(() => resolve(undefined)))
      return (await Promise.race([opening, later])) !== undefined
    },
    async response() {
      const opened = await opening
      if (opened.kind !== 'open') throw new Error(`The stream is ${opened.kind}.`)
      return opened.response
    },
  }
}

function partsOf(told: string[]) {
  return {
    world: createMachineTime(),
    signal: undefined,
    hangUp() {},
    from: 'Anthropic',
    readEvent,
    limits: () => told.push('limits'),
    complete: () => told.push('complete'),
    failed: ({ status }: { readonly status: number }) => told.push(`failed ${status}`),
    released: () => told.push('released'),
  }
}

function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  if (body === null) throw new Error('The answer has no body.')
  return body
}

function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes)
}
