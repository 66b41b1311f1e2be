import {
  type Behavior,
  BURST,
  CONNECTION_RESET,
  CUT_AFTER,
  FAILS_IN_STREAM,
  LIMITED_UNTIL,
  LIMITED_WITHOUT_REASON,
  ONCE,
  OVERLOADED,
  REPLIES,
  REVOKED,
  UNAUTHORIZED,
  UNAUTHORIZED_ONCE,
  UNFINISHED_AFTER,
} from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { CUT_BEFORE_COMMIT, REFUSES, UNAVAILABLE } from '../fake/token-behaviors.ts'

/** One thing that goes wrong with account `a`, while `b` serves. */
export interface Fault {
  readonly arrange: (fake: Fake) => void | Promise<void>
  /** How a request ends, as `outcomeOf` words it. */
  readonly ends: RegExp
}

const HOUR = 3_600_000
const SERVED_BY_A = /^200 answered by a$/
const SERVED_BY_B = /^200 answered by b$/
const BROKEN_OFF = /^200 then RotaError stream: /
const HTML = { 'content-type': 'text/html' }

/** What providers, proxies and networks do to a request and to its answer. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  nothing: only(() => undefined, SERVED_BY_A),
  'a used-up session window': a(() => LIMITED_UNTIL(Date.now() + HOUR), SERVED_BY_B),
  'a used-up weekly window': a(
    () => LIMITED_UNTIL(Date.now() + HOUR, { window: 'weekly' }),
    SERVED_BY_B,
  ),
  'a burst that names a short time': a(() => BURST, SERVED_BY_A),
  'a burst that names nothing': a(() => LIMITED_WITHOUT_REASON, SERVED_BY_B),
  'a 429 with a page instead of JSON': a(
    () => REPLIES(429, '<html>slow down</html>', HTML),
    SERVED_BY_B,
  ),
  'a 429 with nothing at all': a(() => REPLIES(429, '', {}), SERVED_BY_B),
  'a token that is refused once': a(() => UNAUTHORIZED_ONCE, SERVED_BY_A),
  'a token that is always refused': a(() => UNAUTHORIZED, SERVED_BY_B),
  'a revoked account': a(() => REVOKED, SERVED_BY_B),
  'a 403 page of a proxy': a(() => REPLIES(403, '<html>revoked</html>', HTML), /^403 <html>/),
  'a request that is wrong': a(() => REPLIES(400, '{"error":{"message":"no"}}'), /^400 \{"error"/),
  'a request that is too large': a(() => REPLIES(413, 'too large', {}), /^413 too large$/),
  'an unknown model': a(() => REPLIES(404, '{"error":{"message":"no model"}}'), /^404 /),
  'an overload that passes': a(() => OVERLOADED(1), SERVED_BY_A),
  'an overload that stays': a(() => OVERLOADED(99), SERVED_BY_B),
  'an overload of everybody': only((fake) => everybody(fake, OVERLOADED(99)), /^5\d\d \{/),
  'a 500 that passes': a(() => ONCE(REPLIES(500, '{}')), SERVED_BY_A),
  'a 502 page of a proxy': a(() => REPLIES(502, '<html>bad gateway</html>', HTML), SERVED_BY_B),
  'a Cloudflare 522': a(() => REPLIES(522, 'timed out', {}), SERVED_BY_B),
  'a redirect': a(() => REPLIES(302, '', { location: 'http://127.0.0.1:9/' }), /^302 $/),
  'a connection that breaks once': a(() => ONCE(CONNECTION_RESET), SERVED_BY_A),
  'a connection that breaks': a(() => CONNECTION_RESET, /^RotaError network: fetch failed: /),
  'a provider that is not there': only(
    (fake) => fake.close(),
    /^RotaError network: fetch failed: /,
  ),
  'an overload before any content': a(() => FAILS_IN_STREAM('overloaded'), SERVED_BY_B),
  'an overload before any content that passes': a(
    () => ONCE(FAILS_IN_STREAM('overloaded')),
    SERVED_BY_A,
  ),
  'a limit before any content': a(() => FAILS_IN_STREAM('limited'), SERVED_BY_B),
  'a fault before any content': a(() => FAILS_IN_STREAM('api'), SERVED_BY_B),
  'a refused token before any content': a(() => FAILS_IN_STREAM('unauthorized'), SERVED_BY_B),
  'a revoked account before any content': a(() => FAILS_IN_STREAM('revoked'), SERVED_BY_B),
  'a wrong request before any content': a(() => FAILS_IN_STREAM('request'), /^4\d\d \{/),
  'a cut before any content': a(() => CUT_AFTER(''), SERVED_BY_B),
  'a cut in the middle': a(() => CUT_AFTER('half an answer'), BROKEN_OFF),
  'an end in the middle': a(() => UNFINISHED_AFTER('half an answer'), BROKEN_OFF),
  'an overload in the middle': a(() => FAILS_IN_STREAM('overloaded', 'half'), /^200 half$/),
  'an expired token': only((fake) => fake.account('a').expire(), SERVED_BY_A),
  'an expired token that is dead': expired(REFUSES(400, 'invalid_grant'), SERVED_BY_B),
  'a token endpoint that is in trouble': expired(UNAVAILABLE(99), SERVED_BY_B),
  'a token endpoint that cuts': expired(CUT_BEFORE_COMMIT(99), SERVED_BY_B),
  'all limited': only(
    (fake) => everybody(fake, LIMITED_UNTIL(Date.now() + HOUR)),
    /^429 .*accounts are limited\. First back: /,
  ),
  'all revoked': only((fake) => everybody(fake, REVOKED), /^4\d\d /),
}

function a(behavior: () => Behavior, ends: RegExp): Fault {
  return { arrange: (fake) => fake.account('a').behave(behavior()), ends }
}

function only(arrange: Fault['arrange'], ends: RegExp): Fault {
  return { arrange, ends }
}

/** Only `a` has a token that must be renewed, and the endpoint behaves like this. */
function expired(behavior: Parameters<Fake['behaveOnExchange']>[0], ends: RegExp): Fault {
  return {
    arrange(fake) {
      fake.account('a').expire()
      fake.behaveOnExchange(behavior)
    },
    ends,
  }
}

function everybody(fake: Fake, behavior: Behavior): void {
  for (const account of fake.accounts()) account.behave(behavior)
}
