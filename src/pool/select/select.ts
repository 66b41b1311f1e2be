import { limitedUntil } from '../../../machines/limits.ts'
import { type AccountView, isKey } from '../../../machines/view.ts'
import type { Blocked, Chosen, Selection, SelectionInput } from './selection.ts'
import { chooseToDrain } from './drain.ts'
import { isFree, isFull, isOpen, whoIsFull } from './open.ts'
import { isAboveQuota } from './quota.ts'
import {
  chooseBestScore,
  chooseForConversation,
  chooseLeastBusy,
  chooseNextInTurn,
} from './strategies.ts'

/**
 * Chooses the account for one request. Pure: the same input gives the same answer, so that
 * explaining a choice and simulating one need no second implementation.
 */
export function selectAccount(input: SelectionInput): Selection {
  const ready = input.views.filter((view) => view.state === 'active' && isOpen(view, input))
  if (ready.length > 0) return chosen(chooseAmong(ready, input), input)
  const returning = input.views.find(
    (view) => view.state === 'cooling' && isOpen(view, input) && !input.hot(view.id).probing,
  )
  if (returning !== undefined) return chosen({ id: returning.id, reason: 'probe' }, input)
  const failing = input.views.find(
    (view) => view.state === 'authFailing' && mayTryAgain(view, input) && isOpen(view, input),
  )
  if (failing !== undefined) return chosen({ id: failing.id, reason: 'last-resort' }, input)
  return { ok: false, blocked: blockedBy(input) }
}

function chooseAmong(ready: readonly AccountView[], input: SelectionInput): Chosen {
  const choose = (open: readonly AccountView[]) =>
    chooseByStrategy(preferAtOnce(open, input), input)
  const unpaid = preferLogins(ready)
  const below = preferBelowQuota(unpaid, input)
  const choice = choose(below)
  const isOther = (than: readonly AccountView[]) => choose(than).id !== choice.id
  if (below !== unpaid && isOther(unpaid)) return { id: choice.id, reason: 'below-quota' }
  return unpaid !== ready && isOther(ready) ? { id: choice.id, reason: 'before-key' } : choice
}

/** A login is paid by the month, a key by the request: keys serve while no login can. */
function preferLogins(ready: readonly AccountView[]): readonly AccountView[] {
  if (!ready.some(isKey)) return ready
  const logins = ready.filter((view) => !isKey(view))
  return logins.length === 0 ? ready : logins
}

/**
 * Those that can serve without a renewal first, if there are any. A conversation that has an account
 * keeps it: its prompt cache is worth more than the wait.
 */
function preferAtOnce(
  ready: readonly AccountView[],
  { home, standIn, now }: SelectionInput,
): readonly AccountView[] {
  const atOnce = ready.filter(({ id, facts, renewing }) => {
    const hasToken = facts.tokenExpiresAt === 0 || facts.tokenExpiresAt > now
    return (hasToken && !renewing) || id === home || id === standIn
  })
  return atOnce.length > 0 ? atOnce : ready
}

/**
 * Those with enough left of their quota first, if there are any. A conversation stays where it is:
 * only a limit sends it away.
 */
function preferBelowQuota(
  ready: readonly AccountView[],
  { home, standIn, hot, softQuotaPercent, now }: SelectionInput,
): readonly AccountView[] {
  const above = ready.filter(({ id }) => isAboveQuota(hot(id).usage, softQuotaPercent, now))
  const left = above.filter(({ id }) => id !== home && id !== standIn)
  if (left.length === 0 || above.length === ready.length) return ready
  return ready.filter((view) => !left.includes(view))
}

/** Where the account that would be kept is full, the reason says so: the strategy did not choose. */
function chooseByStrategy(ready: readonly AccountView[], input: SelectionInput): Chosen {
  const full = whoIsFull(input)
  if (full === 'parent-full') return { ...chooseLeastBusy(ready, input), reason: full }
  const choice = chooseBy(ready, input)
  return full === undefined ? choice : { ...choice, reason: full }
}

function chooseBy(ready: readonly AccountView[], input: SelectionInput): Chosen {
  switch (input.strategy) {
    case 'sticky':
      return chooseForConversation(ready, input)
    case 'round-robin':
      return chooseNextInTurn(ready, input)
    case 'hybrid':
      return chooseBestScore(ready, input)
    case 'drain':
      return chooseToDrain(ready, input)
  }
}

/**
 * A conversation settles where it is first served. A temporary fallback does not become its home:
 * the provider's prompt cache lies at home.
 */
function chosen({ id, reason }: Chosen, input: SelectionInput): Selection {
  const home = input.views.find((view) => view.id === input.home)
  const homeless = home === undefined || home.state === 'disabled'
  return { ok: true, id, reason, settles: homeless || input.strategy !== 'sticky' }
}

/** Where the endpoint was out of reach, the account did nothing wrong: the network may be back. */
function mayTryAgain({ facts }: AccountView, { now }: SelectionInput): boolean {
  return facts.authFailures === 0 || facts.authRetryAt <= now
}

function blockedBy(input: SelectionInput): Blocked {
  const able = input.views.filter((view) => view.state !== 'disabled')
  if (able.length === 0) {
    return { why: input.views.length === 0 ? 'empty' : 'disabled', firstBack: undefined }
  }
  const busy = able.filter((view) => isOnlyFull(view, input))
  if (busy.length > 0) {
    const others = able.filter((view) => !input.tried.has(view.id) && !busy.includes(view))
    return { why: 'busy', firstBack: firstOf(others, input) }
  }
  if (able.some((view) => input.tried.has(view.id) && servesAgain(view, input))) {
    return { why: 'tried', firstBack: undefined }
  }
  return { why: 'limited', firstBack: firstOf(able, input) }
}

function firstOf(views: readonly AccountView[], input: SelectionInput): Blocked['firstBack'] {
  const waiting = views.map((view) => ({ id: view.id, at: backAt(view, input) }))
  return waiting.reduce<Blocked['firstBack']>(
    (best, next) => (best === undefined || next.at < best.at ? next : best),
    undefined,
  )
}

/** The cap is all that speaks against the account. */
function isOnlyFull(view: AccountView, input: SelectionInput): boolean {
  if (!isFull(view, input) || !isFree(view, input)) return false
  switch (view.state) {
    case 'active':
      return true
    case 'cooling':
      return !input.hot(view.id).probing
    case 'authFailing':
      return mayTryAgain(view, input)
    case 'rateLimited':
    case 'disabled':
      return false
  }
}

/** Nothing but this very request's own attempt speaks against the account. */
function servesAgain(view: AccountView, { family, now }: SelectionInput): boolean {
  return view.state === 'active' && limitedUntil(view.facts.limits, family) <= now
}

/** Epoch ms at which it is worth asking for this account again. */
function backAt(view: AccountView, { family, now }: SelectionInput): number {
  const { limits, coolingUntil, authRetryAt } = view.facts
  const limited = Math.max(now, limitedUntil(limits, family))
  if (view.state === 'cooling') return Math.max(limited, coolingUntil)
  if (view.state === 'authFailing') return Math.max(limited, authRetryAt)
  return limited
}
