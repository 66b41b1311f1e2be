import {
  type Behavior,
  LIMITED_UNTIL,
  OVERLOADED,
  REFUSES_WITHOUT_END,
  SILENCE,
  STALLS_AFTER,
} from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { ROTATES_SLOWLY } from '../fake/token-behaviors.ts'

/** What the client itself sees of a stage; `told`: the provider sees it, and the client is told. */
export const SIGNS = ['atOnce', 'bodyRead', 'waiting', 'answered', 'told'] as const

/** A point that a request has come to when its caller gives it up. */
export interface Stage {
  readonly arrange?: (fake: Fake) => void
  readonly sign: (typeof SIGNS)[number]
  /** Resolves when the provider sees that the request has come so far. */
  readonly seen?: (fake: Fake) => Promise<unknown>
}

const asked = (fake: Fake) => fake.waitForRequest(({ path }) => !path.includes('token'))
const answered = (fake: Fake) => fake.waitForRequest(({ status }) => status !== undefined)
const SLOW_DOWN: Behavior = () => ({ kind: 'burst', retryAfterSeconds: 4 })

export const STAGES: Readonly<Record<string, Stage>> = {
  'before it begins': { sign: 'atOnce' },
  'while its body is read': { sign: 'bodyRead' },
  'while its token is renewed': {
    arrange(fake) {
      fake.account('a').expire()
      fake.behaveOnExchange(ROTATES_SLOWLY(2_000))
    },
    sign: 'told',
    seen: (fake) => fake.waitForRequest(({ path }) => path.includes('token')),
  },
  'while nobody answers': behaving(SILENCE, asked),
  'while a refusal is read': behaving(REFUSES_WITHOUT_END(429), answered),
  'while a burst is waited out': behaving(SLOW_DOWN, answered),
  'while the provider is given a pause': behaving(OVERLOADED(99), answered),
  'while all are limited': {
    arrange: (fake) => fake.account('a').behave(LIMITED_UNTIL(Date.now() + 30_000)),
    sign: 'waiting',
  },
  'before the first content': behaving(STALLS_AFTER(''), answered),
  'in the middle of the answer': {
    arrange: (fake) => fake.account('a').behave(STALLS_AFTER('half')),
    sign: 'answered',
  },
}

function behaving(behavior: Behavior, seen: (fake: Fake) => Promise<unknown>): Stage {
  return { arrange: (fake) => fake.account('a').behave(behavior), sign: 'told', seen }
}
