import { describe, expect, it } from 'vitest'
import { readRequest } from '../../src/loopback/request-head.ts'

const head = (...lines: readonly string[]) => [...lines, '', ''].join('\r\n')

describe('the head of a request', () => {
  it('is read as it came', () => {
    const received = head(
      'GET /a/../b?x=%41 HTTP/1.1',
      'hOsT: localhost:1 ',
      'accept:*/*',
      'x-y:',
      'Host: other',
    )
    expect(readRequest(received)).toEqual({
      kind: 'request',
      request: {
        method: 'GET',
        target: '/a/../b?x=%41',
        headers: new Map([
          ['host', ['localhost:1', 'other']],
          ['accept', ['*/*']],
          ['x-y', ['']],
        ]),
      },
    })
    expect(readRequest(`${received}what follows`)).toEqual(readRequest(received))
  })

  it('is incomplete up to its last byte', () => {
    const whole = head('GET / HTTP/1.1', 'Host: localhost:1')
    for (let length = 0; length < whole.length; length++) {
      expect(readRequest(whole.slice(0, length))).toEqual({ kind: 'incomplete' })
    }
  })

  it.each([
    ['no version', head('GET /')],
    ['another version', head('GET / HTTP/2.0')],
    ['a method in small letters', head('get / HTTP/1.1')],
    ['two spaces', head('GET  / HTTP/1.1')],
    ['a line that begins with a space', head('GET / HTTP/1.1', 'Host: a', ' b')],
    ['a space before the colon', head('GET / HTTP/1.1', 'Host : a')],
    ['a header without a colon', head('GET / HTTP/1.1', 'Host')],
    ['a bare carriage return', head('GET / HTTP/1.1', 'x: a\rHost: b')],
    ['a bare line feed', head('GET / HTTP/1.1', 'x: a\nHost: b')],
    ['a body', head('GET / HTTP/1.1', 'Host: a', 'Content-Length: 1')],
    ['a body in chunks', head('GET / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')],
    ['nothing but line ends', '\r\n\r\n'],
    ['more than a browser sends', `GET /${'x'.repeat(20_000)}`],
  ])('is malformed with %s', (_what, received) => {
    expect(readRequest(received)).toEqual({ kind: 'malformed' })
  })
})
