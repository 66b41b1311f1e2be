import { isSame } from '../same.ts'
import type { RequestHead } from '../loopback/request-head.ts'

/** What somebody who may look asks for. */
export type Wanted = 'page' | 'events' | 'inspect' | 'stately'

export type Visit =
  | { readonly kind: 'wanted'; readonly wanted: Wanted }
  | { readonly kind: 'refused'; readonly status: 403 | 404 | 405 }

/** 256 bits, in letters that nothing that cleans texts takes for something else. */
const PATH = /^\/([0-9a-f]{64})\/([a-z]*)$/
const ROUTES: Readonly<Record<string, Wanted>> = {
  '': 'page',
  events: 'events',
  inspect: 'inspect',
  stately: 'stately',
}
/** Another site, and another port of this machine, are somebody else. */
const OWN_SITES = ['same-origin', 'none']

/**
 * Judges who asks before what is asked: every page that the browser shows can send requests here,
 * and a name that leads to this machine can be anybody's.
 */
export function judgeVisit(
  { method, target, headers }: RequestHead,
  { port, token }: { readonly port: number; readonly token: string },
): Visit {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`]
  const [host = '', ...moreHosts] = headers.get('host') ?? []
  if (moreHosts.length > 0 || !names.includes(host.toLowerCase())) return refused(403)
  const origins = names.map((name) => `http://${name}`)
  if (headers.get('origin')?.every((origin) => origins.includes(origin)) === false) {
    return refused(403)
  }
  if (headers.get('sec-fetch-site')?.every((site) => OWN_SITES.includes(site)) === false) {
    return refused(403)
  }
  if (method !== 'GET') return refused(405)
  const [, given = '', route = ''] = PATH.exec(target) ?? []
  const wanted = Object.hasOwn(ROUTES, route) ? ROUTES[route] : undefined
  // Compared whatever the route is: how long an answer takes must tell nothing.
  if (!isSame(given, token) || wanted === undefined) return refused(404)
  return { kind: 'wanted', wanted }
}

function refused(status: 403 | 404 | 405): Visit {
  return { kind: 'refused', status }
}
