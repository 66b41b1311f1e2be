import { describe, expect, it } from 'vitest'
import { judgeVisit } from '../../src/inspect/visit.ts'

const PORT = 4_711
const TOKEN = 'a1'.repeat(32)
const HOST = `127.0.0.1:${PORT}`
const expected = { port: PORT, token: TOKEN }

describe('somebody who asks for the page', () => {
  it.each([
    ['', 'page'],
    ['events', 'events'],
    ['inspect', 'inspect'],
    ['stately', 'stately'],
  ])('gets what stands at "%s" for the token', (route, wanted) => {
    expect(ask({ target: `/${TOKEN}/${route}` })).toEqual({ kind: 'wanted', wanted })
  })

  it.each([
    ['by its other name', { host: [`LOCALHOST:${PORT}`] }],
    ['as a browser does that goes there', { 'sec-fetch-site': ['none'] }],
    [
      'as our own page does',
      { origin: [`http://localhost:${PORT}`], 'sec-fetch-site': ['same-origin'] },
    ],
  ])('gets it %s', (_how, headers) => {
    expect(ask({ headers })).toEqual({ kind: 'wanted', wanted: 'page' })
  })

  it.each([
    ['another host', { host: ['evil.example'] }],
    ['a host that begins like ours', { host: [`${HOST}.evil.example`] }],
    ['another port', { host: ['127.0.0.1:80'] }],
    ['no port', { host: ['127.0.0.1'] }],
    ['no host', { host: [] }],
    ['two hosts', { host: [HOST, HOST] }],
    ['another origin', { origin: ['https://evil.example'] }],
    ['an origin of this machine, but another port', { origin: ['http://127.0.0.1:80'] }],
    ['our origin by TLS', { origin: [`https://${HOST}`] }],
    ['an origin that is hidden', { origin: ['null'] }],
    ['an empty origin', { origin: [''] }],
    ['two origins', { origin: [`http://${HOST}`, 'https://evil.example'] }],
    ['a link on another site', { 'sec-fetch-site': ['cross-site'] }],
    ['another port of the same machine', { 'sec-fetch-site': ['same-site'] }],
  ])('gets nothing with %s', (_what, headers) => {
    expect(ask({ headers })).toEqual({ kind: 'refused', status: 403 })
  })

  it.each(['POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'CONNECT', 'TRACE'])(
    'gets nothing by %s',
    (method) => {
      expect(ask({ method })).toEqual({ kind: 'refused', status: 405 })
    },
  )

  it.each([
    ['no token', '/'],
    ['an empty token', '//'],
    ['another token', `/${'b2'.repeat(32)}/`],
    ['a part of the token', `/${TOKEN.slice(1)}/`],
    ['the token in capitals', `/${TOKEN.toUpperCase()}/`],
    ['no slash behind it', `/${TOKEN}`],
    ['an unknown route', `/${TOKEN}/other`],
    ['a route that every object has', `/${TOKEN}/constructor`],
    ['more path', `/${TOKEN}/events/`],
    ['a query', `/${TOKEN}/?x=1`],
    ['a path that becomes ours by tidying', `/x/../${TOKEN}/`],
    ['a whole address', `http://${HOST}/${TOKEN}/`],
  ])('gets nothing with %s', (_what, target) => {
    expect(ask({ target })).toEqual({ kind: 'refused', status: 404 })
  })
})

interface Asked {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, readonly string[]>>
}

function ask({ method = 'GET', target = `/${TOKEN}/`, headers = {} }: Asked) {
  const all = new Map(
    Object.entries({ host: [HOST], ...headers }).filter(([, each]) => each.length),
  )
  return judgeVisit({ method, target, headers: all }, expected)
}
