import type { AccountState, TokenFailure } from '../../machines/account.ts'
import { DISABLED_REASONS } from '../../machines/facts.ts'
import { LIMIT_SOURCES } from '../../machines/limits.ts'
import {
  type Allow,
  aFlag,
  aName,
  aNumber,
  aText,
  byName,
  either,
  fields,
  listOf,
  oneOf,
} from './allow.ts'

const STATES = [
  'active',
  'rateLimited',
  'cooling',
  'authFailing',
  'disabled',
] as const satisfies readonly AccountState[]
const FAILURES = [
  'dead',
  'lost',
  'refused',
  'unavailable',
] as const satisfies readonly TokenFailure[]
const OUTCOMES = ['renewed', 'failed']

const scope = either(oneOf('account'), fields({ family: aName }))
const limits = listOf(
  fields({
    scope,
    window: aName,
    until: aNumber,
    source: oneOf(...LIMIT_SOURCES),
    observedAt: aNumber,
  }),
)
const facts = fields({
  id: aName,
  label: aName,
  plan: aName,
  limits,
  coolingUntil: aNumber,
  strikes: aNumber,
  authFailures: aNumber,
  authRetryAt: aNumber,
  postponements: aNumber,
  disabledReason: oneOf(...DISABLED_REASONS, null),
  disabledDetail: aText,
  tokenExpiresAt: aNumber,
  tokenVersion: aNumber,
  rev: aNumber,
})
const outcome = fields({
  kind: oneOf(...OUTCOMES),
  failure: oneOf(...FAILURES),
  detail: aText,
  expiresAt: aNumber,
  version: aNumber,
})
const ids = listOf(aName)

/** What machines keep, of all kinds. A name that is not here is never shown. */
export const shownContext: Allow = fields({
  id: aName,
  facts,
  views: byName(fields({ id: aName, state: oneOf(...STATES), renewing: aFlag, facts })),
  known: aNumber,
  problem: aText,
  renewing: ids,
  wanted: ids,
  queued: ids,
  asked: byName(aNumber),
  refusals: byName(aNumber),
  crashes: byName(aNumber),
  outcome,
  inDoubt: aFlag,
  held: ids,
  theirs: listOf(
    fields({
      account: aName,
      inFlight: aNumber,
      until: aNumber,
      holder: fields({ pid: aNumber }),
    }),
  ),
})

/** What steps and actors bring back (`output`, `error`) and are given (`input`) is not among it. */
const ownFields = {
  id: aName,
  accounts: listOf(facts),
  problem: aText,
  state: oneOf(...STATES),
  facts,
  renewing: aFlag,
  outcome,
  sentAt: aNumber,
  retryAfterMs: aNumber,
  limits,
  mayDisable: aFlag,
  reason: oneOf(...DISABLED_REASONS),
  detail: aText,
  read: fields({
    at: aNumber,
    usedUp: listOf(fields({ scope, window: aName, until: aNumber })),
    isFree: aFlag,
  }),
  expiresAt: aNumber,
  version: aNumber,
  failure: oneOf(...FAILURES),
} as const satisfies Readonly<Record<string, Allow>>

/**
 * The type of an event: ours, and those of XState, which end with the path of a state or the id of
 * an actor.
 */
const aType: Allow = aName

/** An event of any machine, with the one that it carries to an account. */
export const shownEvent: Allow = fields({
  type: aType,
  ...ownFields,
  event: fields({ type: aType, ...ownFields }),
})
