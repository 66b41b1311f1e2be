import { SimulatedClock, createActor, fromTransition } from 'xstate'
import { describe, expect, it } from 'vitest'
import { type AccountEvent, type AccountReport, accountMachine } from '../../machines/account.ts'
import { type AccountFacts, COOLING_MS, newFacts } from '../../machines/facts.ts'
import type { LimitRecord } from '../../machines/limits.ts'
import { expectWellFormed } from './well-formed.ts'

const START = 1_800_000_000_000
const HOUR = 3_600_000

describe('an account', () => {
  it('is well formed', () => {
    expectWellFormed(accountMachine)
  })

  it('walks active → rateLimited → cooling → authFailing → disabled', () => {
    const account = startAccount()
    expect(account.state()).toBe('active')
    account.send({ type: 'request.limited', limits: [sessionLimit(START + HOUR)] })
    expect(account.state()).toBe('rateLimited')
    account.pass(HOUR)
    expect(account.state()).toBe('cooling')
    account.send({ type: 'request.unauthorized', mayDisable: true })
    expect(account.state()).toBe('authFailing')
    account.send({
      type: 'token.refreshFailed',
      failure: 'dead',
      detail: 'invalid_grant',
      mayDisable: true,
    })
    expect(account.state()).toBe('disabled')
    expect(account.facts()).toMatchObject({
      disabledReason: 'revoked',
      disabledDetail: 'invalid_grant',
    })
  })

  it('becomes active again when its probing time passes without trouble', () => {
    const account = startAccount({ limits: [sessionLimit(START + HOUR)] })
    account.pass(HOUR)
    account.pass(COOLING_MS)
    expect(account.state()).toBe('active')
  })

  it('becomes active at once when a probe succeeds', () => {
    const account = startAccount({ limits: [sessionLimit(START + HOUR)] })
    account.pass(HOUR)
    account.send({ type: 'request.succeeded', sentAt: START + HOUR })
    expect(account.state()).toBe('active')
  })

  it('waits for the later of two limits, learned in either order', () => {
    const account = startAccount({ limits: [sessionLimit(START + HOUR)] })
    const weekly: LimitRecord = { ...sessionLimit(START + 3 * HOUR), window: 'weekly' }
    account.send({ type: 'request.limited', limits: [weekly] })
    account.pass(2 * HOUR)
    expect(account.state()).toBe('rateLimited')
    account.pass(HOUR)
    expect(account.state()).toBe('cooling')
  })

  it('stays active when only a model family is limited', () => {
    const account = startAccount()
    account.send({
      type: 'request.limited',
      limits: [{ ...sessionLimit(START + HOUR), scope: { family: 'opus' } }],
    })
    expect(account.state()).toBe('active')
    expect(account.facts().limits).toHaveLength(1)
  })

  it('keeps a named limit when an older request succeeds', () => {
    const account = startAccount()
    account.send({ type: 'request.limited', limits: [sessionLimit(START + HOUR)] })
    account.send({ type: 'request.succeeded', sentAt: START - 1 })
    expect(account.state()).toBe('rateLimited')
  })

  it('gives up a guess when a later request succeeds', () => {
    const account = startAccount()
    account.send({ type: 'request.burst', sentAt: START, retryAfterMs: undefined })
    expect(account.state()).toBe('rateLimited')
    account.send({ type: 'request.succeeded', sentAt: START + 1 })
    expect(account.state()).toBe('active')
  })

  it('gives up a guess when a later usage read finds no window used up', () => {
    const account = startAccount()
    account.send({ type: 'request.burst', sentAt: START, retryAfterMs: undefined })
    account.send({ type: 'usage.read', read: { at: START, usedUp: [], isFree: true } })
    expect(account.state()).toBe('rateLimited')
    account.pass(1)
    account.send({ type: 'usage.read', read: { at: START + 1, usedUp: [], isFree: true } })
    expect(account.state()).toBe('active')
    expect(account.facts().strikes).toBe(1)
  })

  it('waits for the end of the window that a usage read found used up, and no longer', () => {
    const account = startAccount()
    account.send({ type: 'request.burst', sentAt: START, retryAfterMs: undefined })
    account.pass(1)
    const usedUp = [{ scope: 'account', window: 'session', until: START + HOUR } as const]
    account.send({ type: 'usage.read', read: { at: START + 1, usedUp, isFree: false } })
    expect(account.facts().limits).toMatchObject([{ source: 'usage', until: START + HOUR }])
    account.pass(HOUR - 2)
    expect(account.state()).toBe('rateLimited')
    account.pass(1)
    expect(account.state()).toBe('cooling')
  })

  it('keeps a limit that the provider named, whatever a usage read says', () => {
    const account = startAccount()
    account.send({ type: 'request.limited', limits: [sessionLimit(START + HOUR)] })
    account.pass(1)
    account.send({ type: 'usage.read', read: { at: START + 1, usedUp: [], isFree: true } })
    expect(account.state()).toBe('rateLimited')
  })

  it('asks for no token because of a usage read', () => {
    const account = startAccount({ authRetryAt: START - 1 })
    expect(account.asked()).toBe(1)
    account.send({ type: 'usage.read', read: { at: START + 1, usedUp: [], isFree: true } })
    expect(account.asked()).toBe(1)
  })

  it('counts parallel refusals of one burst once, and doubles the next guess', () => {
    const account = startAccount()
    account.send({ type: 'request.burst', sentAt: START, retryAfterMs: undefined })
    account.send({ type: 'request.burst', sentAt: START, retryAfterMs: undefined })
    expect(account.facts().strikes).toBe(1)
    account.pass(30_000)
    expect(account.state()).toBe('cooling')
    account.send({ type: 'request.burst', sentAt: START + 30_000, retryAfterMs: undefined })
    expect(account.facts().limits[0]?.until).toBe(START + 30_000 + 60_000)
  })

  it('opens the breaker at the third failure, and only while another account remains', () => {
    const account = startAccount()
    const refused: AccountEvent = {
      type: 'token.refreshFailed',
      failure: 'refused',
      detail: 'nope',
      mayDisable: false,
    }
    for (let failure = 1; failure <= 5; failure++) account.send(refused)
    expect(account.state()).toBe('authFailing')
    account.send({ ...refused, mayDisable: true })
    expect(account.state()).toBe('disabled')
  })

  it('blames nobody while the token endpoint cannot be reached', () => {
    const account = startAccount({ tokenExpiresAt: START - 1 })
    for (let attempt = 1; attempt <= 9; attempt++) {
      account.send({
        type: 'token.refreshFailed',
        failure: 'unavailable',
        detail: 'offline',
        mayDisable: true,
      })
    }
    expect(account.state()).toBe('authFailing')
    expect(account.facts().authFailures).toBe(0)
  })

  it('goes on with a valid access token when the token endpoint cannot be reached', () => {
    const account = startAccount({ tokenExpiresAt: START + HOUR })
    account.send({
      type: 'token.refreshFailed',
      failure: 'unavailable',
      detail: 'offline',
      mayDisable: true,
    })
    expect(account.state()).toBe('active')
  })

  it('asks again later when it needs a token and the endpoint cannot be reached', () => {
    const account = startAccount({ tokenExpiresAt: START + HOUR })
    account.send({ type: 'request.unauthorized', mayDisable: true })
    account.pass(30_000)
    expect(account.asked()).toBe(1)
    account.send({
      type: 'token.refreshFailed',
      failure: 'unavailable',
      detail: 'offline',
      mayDisable: true,
    })
    account.pass(30_000)
    expect(account.asked()).toBe(2)
  })

  it('waits twice as long after each attempt that finds the endpoint out of reach', () => {
    const account = startAccount({ tokenExpiresAt: START - 1 })
    const pauses = [1, 2, 3, 4].map(() => {
      account.send({
        type: 'token.refreshFailed',
        failure: 'unavailable',
        detail: 'offline',
        mayDisable: true,
      })
      const pause = account.facts().authRetryAt - account.now()
      account.pass(pause)
      return pause
    })
    expect(pauses).toEqual([30_000, 60_000, 120_000, 120_000])
    account.send({ type: 'token.refreshed', expiresAt: START + HOUR, version: 2 })
    expect(account.facts().postponements).toBe(0)
  })

  it('says that a login was lost when a renewal that was cut off is refused', () => {
    const account = startAccount()
    account.send({
      type: 'token.refreshFailed',
      failure: 'lost',
      detail: 'cut off',
      mayDisable: false,
    })
    expect(account.state()).toBe('disabled')
    expect(account.facts()).toMatchObject({ disabledReason: 'lost', disabledDetail: 'cut off' })
  })

  it.each(['auth', 'revoked', 'lost'] as const)(
    'disabled as "%s", comes back with a newer token',
    (disabledReason) => {
      const account = startAccount({ disabledReason, authFailures: 3 })
      account.send({ type: 'token.refreshed', expiresAt: START + HOUR, version: 2 })
      expect(account.state()).toBe('active')
      expect(account.facts()).toMatchObject({ disabledReason: null, authFailures: 0 })
    },
  )

  it.each([
    ['auth', 'active'],
    ['revoked', 'disabled'],
    ['lost', 'disabled'],
    ['billing', 'disabled'],
    ['user', 'disabled'],
  ] as const)('disabled as "%s" when the breaker is half open: %s', (disabledReason, state) => {
    const account = startAccount({ disabledReason })
    account.send({ type: 'breaker.halfOpened' })
    expect(account.state()).toBe(state)
  })

  it('asks its supervisor for a token when its retry time has come', () => {
    const account = startAccount()
    account.send({ type: 'request.unauthorized', mayDisable: true })
    expect(account.reports).not.toContainEqual({ type: 'account.needsToken', id: 'a' })
    account.pass(30_000)
    expect(account.reports).toContainEqual({ type: 'account.needsToken', id: 'a' })
  })

  it('stays out when a person disabled it, whatever token arrives', () => {
    const account = startAccount()
    account.send({ type: 'user.disabled' })
    account.send({ type: 'token.refreshed', expiresAt: START + HOUR, version: 2 })
    expect(account.state()).toBe('disabled')
    account.send({ type: 'user.enabled' })
    expect(account.state()).toBe('active')
  })

  it('re-arms its timers when foreign facts arrive', () => {
    const account = startAccount({ limits: [sessionLimit(START + HOUR)] })
    account.send({
      type: 'store.merged',
      facts: newFacts('a', { limits: [sessionLimit(START + 2 * HOUR)] }),
    })
    account.pass(HOUR)
    expect(account.state()).toBe('rateLimited')
    account.pass(HOUR)
    expect(account.state()).toBe('cooling')
  })
})

describe('every event in every state', () => {
  const EVENTS: AccountEvent[] = [
    { type: 'request.succeeded', sentAt: START },
    { type: 'request.limited', limits: [sessionLimit(START + HOUR)] },
    { type: 'request.burst', sentAt: START, retryAfterMs: undefined },
    { type: 'request.unauthorized', mayDisable: true },
    { type: 'request.withoutToken' },
    { type: 'request.refused', reason: 'revoked', detail: '', mayDisable: false },
    { type: 'usage.read', read: { at: START + 1, usedUp: [], isFree: true } },
    { type: 'token.refreshed', expiresAt: START + HOUR, version: 2 },
    { type: 'token.refreshFailed', failure: 'dead', detail: '', mayDisable: false },
    { type: 'token.refreshFailed', failure: 'lost', detail: '', mayDisable: false },
    { type: 'token.refreshFailed', failure: 'refused', detail: '', mayDisable: true },
    { type: 'token.refreshFailed', failure: 'unavailable', detail: '', mayDisable: true },
    { type: 'breaker.halfOpened' },
    { type: 'user.disabled' },
    { type: 'user.enabled' },
    { type: 'store.merged', facts: newFacts('a') },
  ]
  const STATES: Record<string, Partial<AccountFacts>> = {
    active: {},
    rateLimited: { limits: [sessionLimit(START + 2 * HOUR)] },
    cooling: { coolingUntil: START + COOLING_MS },
    authFailing: { authFailures: 1, authRetryAt: START + 30_000 },
    disabled: { disabledReason: 'user' },
  }

  it('leads where the table says', () => {
    const table = Object.entries(STATES).map(([state, facts]) => {
      const row = EVENTS.map((event) => {
        const account = startAccount(facts)
        expect(account.state()).toBe(state)
        account.send(event)
        const failure = 'failure' in event ? `(${event.failure})` : ''
        return `${event.type}${failure} → ${account.state()}`
      })
      return [state, row]
    })
    expect(Object.fromEntries(table)).toMatchSnapshot()
  })

  it('never lets a request lead a disabled account out', () => {
    for (const event of EVENTS.filter(({ type }) => type.startsWith('request.'))) {
      const account = startAccount(STATES['disabled'])
      account.send(event)
      expect([event.type, account.state()]).toEqual([event.type, 'disabled'])
    }
  })
})

function sessionLimit(until: number): LimitRecord {
  return { scope: 'account', window: 'session', until, source: 'header', observedAt: START }
}

function startAccount(known: Partial<AccountFacts> = {}) {
  const clock = new SimulatedClock()
  const reports: AccountReport[] = []
  const supervisor = createActor(
    fromTransition((_state, report: AccountReport) => void reports.push(report), undefined),
  ).start()
  const actor = createActor(accountMachine, {
    clock,
    input: {
      facts: newFacts('a', known),
      now: () => START + clock.now(),
      policy: () => ({ maxAuthFailures: 3, authBackoffMs: 30_000, strikeBackoffMs: 30_000 }),
      supervisor,
    },
  }).start()
  return {
    reports,
    send: (event: AccountEvent) => actor.send(event),
    pass: (ms: number) => clock.increment(ms),
    now: () => START + clock.now(),
    facts: () => actor.getSnapshot().context.facts,
    asked: () => reports.filter(({ type }) => type === 'account.needsToken').length,
    state: () => {
      const { availability } = actor.getSnapshot().value
      return typeof availability === 'string' ? availability : Object.keys(availability)[0]
    },
  }
}
