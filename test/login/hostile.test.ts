import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { parseObject, textOf } from '../fake/json.ts'
import { launchProgram, startProgram } from '../runtime/program.ts'
import { RUNTIMES, type Runtime } from '../runtime/runtimes.ts'
import { LOOPBACK, hangOn, isListening, sendRaw } from './raw.ts'

const PROGRAM = new URL('programs/browser-login.ts', import.meta.url)
/** A process starts in a fraction of it. */
const LOGIN_MS = 30_000
const GONE_MS = 100

let fake: Fake
beforeAll(async () => {
  fake = await createFakeAnthropic({ accounts: ['one'] })
})
afterAll(() => fake.close())

/** The login that waits in a process of its own, and what its browser would bring. */
async function begin(logins: Logins) {
  const page = await fetch(await logins.url(), { redirect: 'manual' })
  const callback = new URL(page.headers.get('location') ?? '')
  const port = Number(callback.port)
  const target = callback.pathname + callback.search
  return {
    port,
    target,
    query: callback.search.slice(1),
    state: callback.searchParams.get('state') ?? '',
    code: callback.searchParams.get('code') ?? '',
    /** What the browser sends in the end. */
    valid: get(target, port),
    get: (path: string, headers?: readonly string[]) => get(path, port, headers),
    result: logins.result,
  }
}

/** One login after the other, in one process. */
function startLogins(runtime: Runtime) {
  const program = launchProgram(PROGRAM, [JSON.stringify(fake.endpoints), 'finish'], runtime)
  let url: string | undefined
  return {
    /** Still the old one after a test that did not finish it. */
    url: async () => (url ??= textOf(parseObject(await program.line())?.['url']) ?? ''),
    result: async () => {
      url = undefined
      return parseObject(await program.line())
    },
    end: () => program.child.kill('SIGKILL'),
  }
}

type Logins = ReturnType<typeof startLogins>
type Begun = Awaited<ReturnType<typeof begin>>

function get(
  target: string,
  port: number,
  headers: readonly string[] = [`Host: localhost:${port}`],
) {
  return [`GET ${target} HTTP/1.1`, ...headers, '', ''].join('\r\n')
}

/** Each gives the bytes of one request; `login.state` is right, so that only the rest is wrong. */
const HOSTILE: Readonly<Record<string, (login: Begun) => string>> = {
  'another path': ({ get: ask, query }) => ask(`/?${query}`),
  'a path below ours': ({ get: ask, query }) => ask(`/callback/?${query}`),
  'a path in capitals': ({ get: ask, query }) => ask(`/CALLBACK?${query}`),
  'an encoded path': ({ get: ask, query }) => ask(`/%63allback?${query}`),
  'a path with dots': ({ get: ask, query }) => ask(`/x/../callback?${query}`),
  'a path with two slashes': ({ get: ask, query }) => ask(`//callback?${query}`),
  'a path with a backslash': ({ get: ask, query }) => ask(`\\callback?${query}`),
  'a fragment before the query': ({ get: ask, query }) => ask(`/callback#?${query}`),
  'a second question mark': ({ get: ask, query }) => ask(`/callback??${query}`),
  'more behind a second question mark': ({ get: ask, target }) => ask(`${target}?x`),
  'an absolute request target': ({ get: ask, target, port }) =>
    ask(`http://localhost:${port}${target}`),
  'an absolute request target of another host': ({ get: ask, target }) =>
    ask(`http://evil.test${target}`),
  'a favicon': ({ get: ask }) => ask('/favicon.ico'),
  'a cancellation, which Anthropic has none of': ({ get: ask, query }) => ask(`/cancel?${query}`),
  'the method HEAD': ({ valid }) => valid.replace('GET', 'HEAD'),
  'the method POST': ({ valid }) => valid.replace('GET', 'POST'),
  'a form': ({ target, port, query }) =>
    `POST ${target} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${query.length}\r\n\r\n${query}`,
  'a preflight of CORS and private network access': ({ target, port }) =>
    `OPTIONS ${target} HTTP/1.1\r\nHost: localhost:${port}\r\nOrigin: https://evil.test\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Private-Network: true\r\n\r\n`,
  'the method CONNECT': ({ port }) =>
    `CONNECT evil.test:443 HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`,
  'an upgrade to a web socket': ({ get: ask, port, target }) =>
    ask(target, [
      `Host: localhost:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: aaaaaaaaaaaaaaaaaaaaaa==',
      'Sec-WebSocket-Version: 13',
    ]),
  'a name that was rebound to this machine': ({ get: ask, target, port }) =>
    ask(target, [`Host: evil.test:${port}`]),
  'a name that begins like ours': ({ get: ask, target, port }) =>
    ask(target, [`Host: localhost:${port}.evil.test`]),
  'the name of another port': ({ get: ask, target }) => ask(target, ['Host: localhost:1']),
  'the name without the port': ({ get: ask, target }) => ask(target, ['Host: localhost']),
  'another address of loopback': ({ get: ask, target, port }) =>
    ask(target, [`Host: 127.0.0.2:${port}`]),
  'no name': ({ get: ask, target }) => ask(target, ['Accept: */*']),
  'no name in HTTP/1.0': ({ target }) => `GET ${target} HTTP/1.0\r\n\r\n`,
  'two names': ({ get: ask, target, port }) =>
    ask(target, [`Host: localhost:${port}`, 'Host: evil.test']),
  'no state': ({ get: ask, code }) => ask(`/callback?code=${code}`),
  'an empty state': ({ get: ask, code }) => ask(`/callback?code=${code}&state=`),
  'another state': ({ get: ask, code }) => ask(`/callback?code=${code}&state=${'A'.repeat(43)}`),
  'the beginning of the state': ({ get: ask, code, state }) =>
    ask(`/callback?code=${code}&state=${state.slice(0, -1)}`),
  'a longer state': ({ get: ask, target }) => ask(`${target}A`),
  'the state twice': ({ get: ask, target, state }) => ask(`${target}&state=${state}`),
  'the right state beside a wrong one': ({ get: ask, target }) => ask(`${target}&state=A`),
  'an error without a state': ({ get: ask }) => ask('/callback?error=access_denied'),
  'an error with another state': ({ get: ask }) => ask('/callback?error=access_denied&state=A'),
  'an error that is HTML': ({ get: ask }) =>
    ask('/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=<b>x</b>'),
  'no code': ({ get: ask, state }) => ask(`/callback?state=${state}`),
  'an empty code': ({ get: ask, state }) => ask(`/callback?code=&state=${state}`),
  'the code twice': ({ get: ask, target }) => ask(`${target}&code=other`),
  'an error twice': ({ get: ask, state }) => ask(`/callback?error=a&error=b&state=${state}`),
  'a token beside the code': ({ get: ask, target }) => ask(`${target}&id_token=x`),
  'an answer in a token': ({ get: ask, target }) => ask(`${target}&response=x`),
  'a huge address': ({ get: ask, target }) => ask(`${target}&x=${'x'.repeat(1_000_000)}`),
  'an address that is only too long': ({ get: ask, target }) =>
    ask(`${target}&x=${'x'.repeat(9_000)}`),
  'ten thousand headers': ({ get: ask, target, port }) =>
    ask(target, [
      `Host: localhost:${port}`,
      ...Array.from({ length: 10_000 }, (_, index) => `x-${index}: y`),
    ]),
  'one huge header': ({ get: ask, target, port }) =>
    ask(target, [`Host: localhost:${port}`, `x: ${'y'.repeat(100_000)}`]),
  'two lengths of one body': ({ target, port }) =>
    `GET ${target} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'the beginning of TLS': () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\r\n\r\n',
}

describe.each(RUNTIMES)('in %s, a login in the browser', (runtime) => {
  let logins: Logins
  beforeAll(() => {
    logins = startLogins(runtime)
  })
  afterAll(() => {
    logins.end()
  })

  it.each(Object.entries(HOSTILE))(
    'is neither ended nor harmed by %s',
    async (_what, requestOf) => {
      const login = await begin(logins)
      const { text, status, isClosed } = await sendRaw(login.port, requestOf(login))
      expect(isClosed).toBe(true)
      // None when it hears it before it has sent everything.
      expect([400, 404, undefined]).toContain(status)
      expect(text).not.toMatch(/access-control|location:|<|set-cookie/i)
      for (const secret of [login.state, login.code]) expect(text).not.toContain(secret)
      expect(await sendRaw(login.port, login.valid)).toMatchObject({ status: 200 })
      expect(await login.result()).toEqual({ ok: true, email: 'one@example.test' })
    },
    LOGIN_MS,
  )

  it(
    'takes the first request of a connection and ignores those behind it',
    async () => {
      const login = await begin(logins)
      const { text } = await sendRaw(login.port, login.get('/favicon.ico') + login.valid)
      expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 404'])
      const socket = await hangOn(login.port, login.get('/favicon.ico'), true)
      await new Promise((resolve) => socket.once('data', resolve))
      await new Promise((resolve) => socket.write(login.valid, resolve))
      expect(await sendRaw(login.port, login.valid)).toMatchObject({ status: 200 })
      expect(await login.result()).toMatchObject({ ok: true })
    },
    LOGIN_MS,
  )

  it(
    'goes on beside hundreds of connections that hang, and drops them',
    async () => {
      const login = await begin(logins)
      const beginnings = [
        '',
        'GET /call',
        `GET /callback HTTP/1.1\r\nHost: localhost:${login.port}\r\n`,
      ]
      const hanging = await Promise.all(
        Array.from({ length: 300 }, (_, index) =>
          hangOn(login.port, beginnings[index % beginnings.length] ?? ''),
        ),
      )
      const dropped = hanging.map(
        (socket) => new Promise((resolve) => socket.once('close', resolve).resume()),
      )
      expect(await sendRaw(login.port, login.valid)).toMatchObject({ status: 200 })
      expect(await login.result()).toMatchObject({ ok: true })
      await Promise.all(dropped)
    },
    LOGIN_MS,
  )

  it(
    'drops a connection that sends nothing for five seconds',
    async () => {
      const login = await begin(logins)
      const { text, isClosed } = await sendRaw(login.port, 'GET /call')
      expect([text, isClosed]).toEqual(['', true])
      expect(await sendRaw(login.port, login.valid)).toMatchObject({ status: 200 })
      expect(await login.result()).toMatchObject({ ok: true })
    },
    LOGIN_MS,
  )

  it(
    'gives two that come at once one answer and one exchange',
    async () => {
      const before = exchanges()
      const login = await begin(logins)
      const answers = await Promise.all([1, 2].map(() => sendRaw(login.port, login.valid)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(await login.result()).toMatchObject({ ok: true })
      expect(exchanges()).toBe(before + 1)
    },
    LOGIN_MS,
  )

  it(
    'listens on loopback only, on both of its addresses',
    async () => {
      const { port } = await begin(logins)
      const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
      expect(await isListening(port, '127.0.0.1')).toBe(true)
      for (const { address, internal, scopeid } of all) {
        // A link-local address needs the name of its interface.
        if (scopeid) continue
        expect([address, await isListening(port, address)]).toEqual([address, internal])
      }
      expect(listenersOn(port)).toEqual(LOOPBACK.map((host) => IN_KERNEL[host]))
    },
    LOGIN_MS,
  )

  it(
    'is gone 100 ms after the answer, with the connections that hang, and answers no replay',
    async () => {
      const login = await begin(logins)
      const hanging = await hangOn(login.port, 'GET /call')
      const dropped = new Promise((resolve) => hanging.once('close', resolve).resume())
      expect(await sendRaw(login.port, login.valid)).toMatchObject({ status: 200 })
      const answered = performance.now()
      await dropped
      while (
        (await Promise.all(LOOPBACK.map((host) => isListening(login.port, host)))).includes(true)
      ) {
        expect(performance.now() - answered).toBeLessThan(GONE_MS)
      }
      expect(performance.now() - answered).toBeLessThan(GONE_MS)
      expect(await sendRaw(login.port, login.valid)).toEqual({
        text: '',
        status: undefined,
        isClosed: true,
      })
      expect(await login.result()).toMatchObject({ ok: true })
    },
    LOGIN_MS,
  )

  it(
    'does not keep the process when nobody waits for it',
    async () => {
      const program = startProgram(PROGRAM, [JSON.stringify(fake.endpoints), 'leave'], runtime)
      expect(parseObject(await program.line())).toHaveProperty('url')
      expect(await program.ended()).toBe(0)
    },
    LOGIN_MS,
  )
})

function exchanges(): number {
  return fake.requests.filter(({ path }) => path === '/v1/oauth/token').length
}

/** As the kernel lists them: the bytes of each word of an address stand in reverse. */
const IN_KERNEL: Readonly<Record<string, string>> = {
  '127.0.0.1': '0100007F',
  '::1': '00000000000000000000000001000000',
}

function listenersOn(port: number): readonly string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => local.endsWith(`:${hex}`) && state === '0A')
      .map(([, local = '']) => local.slice(0, -hex.length - 1)),
  )
}
