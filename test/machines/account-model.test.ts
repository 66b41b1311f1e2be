import * as fc from 'fast-check'
import { SimulatedClock, createActor } from 'xstate'
import { describe, expect, it } from 'vitest'
import { type AccountEvent, type TokenFailure, accountMachine } from '../../machines/account.ts'
import { type AccountFacts, newFacts } from '../../machines/facts.ts'
import { type LimitRecord, accountLimitedUntil } from '../../machines/limits.ts'

const START = 1_800_000_000_000
const MINUTE = 60_000
const POLICY = { maxAuthFailures: 3, authBackoffMs: 30_000, strikeBackoffMs: 30_000 }

/** What may happen to an account: an event, or time that passes. */
type Step = { readonly event: (now: number) => AccountEvent } | { readonly passMs: number }

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 1, max: 40 * MINUTE }).map((passMs) => ({ passMs })),
  fc
    .record({
      minutes: fc.integer({ min: -5, max: 90 }),
      window: fc.constantFrom('session', 'weekly'),
      ofFamily: fc.boolean(),
    })
    .map(({ minutes, window, ofFamily }) => ({
      event: (now: number): AccountEvent => ({
        type: 'request.limited',
        limits: [limit(now + minutes * MINUTE, now, window, ofFamily)],
      }),
    })),
  fc
    .record({ minutes: fc.integer({ min: -5, max: 90 }), isFree: fc.boolean() })
    .map(({ minutes, isFree }) => ({
      event: (now: number): AccountEvent => ({
        type: 'usage.read',
        read: {
          at: now + 1,
          usedUp: isFree
            ? []
            : [{ scope: 'account', window: 'weekly', until: now + minutes * MINUTE }],
          isFree,
        },
      }),
    })),
  fc.constantFrom<Step>(
    { event: (now) => ({ type: 'request.succeeded', sentAt: now - 1_000 }) },
    { event: (now) => ({ type: 'request.burst', sentAt: now, retryAfterMs: undefined }) },
    { event: () => ({ type: 'request.unauthorized', mayDisable: true }) },
    { event: () => ({ type: 'request.unauthorized', mayDisable: false }) },
    { event: () => ({ type: 'request.withoutToken' }) },
    { event: () => refused('billing', false) },
    { event: () => refused('revoked', false) },
    { event: () => refused('organization', true) },
    { event: () => ({ type: 'token.refreshing' }) },
    { event: (now) => ({ type: 'token.refreshed', expiresAt: now + 60 * MINUTE, version: 2 }) },
    { event: () => failed('refused') },
    { event: () => failed('unavailable') },
    { event: () => failed('dead') },
    { event: () => failed('lost') },
    { event: () => ({ type: 'breaker.halfOpened' }) },
    { event: () => ({ type: 'user.disabled' }) },
    { event: () => ({ type: 'user.enabled' }) },
  ),
)

describe('whatever happens to an account', () => {
  it('its state always follows from its facts, and no request leads it out of disabled', () => {
    const visited = new Set<string>()
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), (story) => {
        const clock = new SimulatedClock()
        const now = () => START + clock.now()
        const actor = createActor(accountMachine, {
          clock,
          input: { facts: newFacts('a'), now, policy: () => POLICY },
        }).start()
        for (const step of story) {
          const before = stateOf(actor.getSnapshot().value.availability)
          const event = 'passMs' in step ? undefined : step.event(now())
          if ('passMs' in step) clock.increment(step.passMs)
          else if (event !== undefined) actor.send(event)
          const { value, context, status } = actor.getSnapshot()
          expect(status).toBe('active')
          const after = stateOf(value.availability)
          visited.add(after)
          expect(after).toBe(expectedState(context.facts, now()))
          const leaves = before === 'disabled' && after !== 'disabled'
          expect(leaves && /^(request|usage)\./.test(event?.type ?? '')).toBe(false)
        }
      }),
      { numRuns: 1_500 },
    )
    expect(visited).toEqual(
      new Set(['active', 'rateLimited', 'cooling', 'authFailing', 'disabled']),
    )
  })
})

/** What the facts say, told anew: the machine must agree after every step. */
function expectedState(facts: AccountFacts, now: number): string {
  if (facts.disabledReason !== null) return 'disabled'
  if (facts.authRetryAt > 0) return 'authFailing'
  if (accountLimitedUntil(facts.limits) > now) return 'rateLimited'
  return facts.coolingUntil > now ? 'cooling' : 'active'
}

function stateOf(availability: string | object): string {
  return typeof availability === 'string' ? availability : (Object.keys(availability)[0] ?? '')
}

function limit(until: number, now: number, window: string, ofFamily: boolean): LimitRecord {
  const scope = ofFamily ? { family: 'opus' } : 'account'
  return { scope, window, until, source: 'header', observedAt: now }
}

function refused(reason: 'billing' | 'revoked' | 'organization', mayDisable: boolean) {
  return { type: 'request.refused', reason, detail: '', mayDisable } as const
}

function failed(failure: TokenFailure) {
  return { type: 'token.refreshFailed', failure, detail: '', mayDisable: true } as const
}
