import { newFacts } from '../../machines/facts.ts'
import type { AccountView } from '../../machines/view.ts'
import type { Strategy } from '../../src/config/schema.ts'
import { createAffinity } from '../../src/pool/affinity.ts'
import { createHotStates } from '../../src/pool/hot.ts'
import { selectAccount } from '../../src/pool/select/select.ts'
import { SESSION, WEEKLY } from '../../src/provider/windows.ts'
import { type Conversation, HOUR, MINUTE, WEEK, conversationsOf } from './people.ts'

/** What came of weeks of use under one strategy. */
export interface Outcome {
  /** Percent of the weekly quotas that were still unused when they were reset. */
  readonly wastedPercent: number
  /** Percent of the requests that were given up, because all accounts were limited for long. */
  readonly unservedPercent: number
  readonly requests: number
  /** Requests that another account served than the one before: their cached prompt was lost. */
  readonly moves: number
}

/** A week's quota lasts for about eight full sessions. */
const SESSIONS_PER_WEEK = 8
const SESSION_LASTS = 5 * HOUR
const REQUEST_LASTS = 20_000
/** People wait this long for an account to come back, then do something else. */
const PATIENCE = 30 * MINUTE
/** What one request costs, in percent of a session: its own part, and its prompt per turn. */
const OWN_COST = 0.3
const PROMPT_COST_PER_TURN = 0.03
const LONGEST_PROMPT_TURNS = 60
/** A cached prompt costs a tenth, writing it anew a quarter more. */
const CACHED = 0.1
const WRITTEN = 1.25
const PREFIX_LIVES = HOUR

interface Account {
  readonly id: string
  weekUsed: number
  weekResetsAt: number
  sessionUsed: number
  /** 0 = the next use begins one. */
  sessionResetsAt: number
}

interface Turn {
  readonly at: number
  readonly conversation: Conversation
  readonly turn: number
  readonly before: { readonly account: string; readonly at: number } | undefined
}

export function simulateUse(
  strategy: Strategy,
  random: () => number,
  { accounts: count, weeks, demand }: { accounts: number; weeks: number; demand: number },
): Outcome {
  const hot = createHotStates()
  const affinity = createAffinity()
  const accounts = Array.from({ length: count }, (_, index): Account => {
    // Each account's week began at another time; what was used since then is on pace.
    const left = random() * WEEK
    const weekUsed = 100 * (1 - left / WEEK) * demand
    return { id: `${index}`, weekUsed, weekResetsAt: left, sessionUsed: 0, sessionResetsAt: 0 }
  })
  const end = weeks * WEEK
  const turns: Turn[] = conversationsOf(random, { weeks, load: count * demand }).map(
    (conversation) => ({ at: conversation.begins, conversation, turn: 0, before: undefined }),
  )
  const ending: { readonly at: number; readonly end: () => void }[] = []
  let active: string | undefined
  let resets = 0
  let wasted = 0
  let served = 0
  let unserved = 0
  let moves = 0

  for (;;) {
    const next = takeEarliest(turns)
    if (next === undefined || next.at >= end) break
    const now = next.at
    for (const account of accounts) roll(account, now)
    while ((ending[0]?.at ?? Infinity) <= now) ending.shift()?.end()
    const { name, length, gap } = next.conversation
    const lives = affinity.of(name)
    const selection = selectAccount({
      views: accounts.map((account) => viewOf(account)),
      hot: hot.of,
      strategy,
      softQuotaPercent: 100,
      family: undefined,
      home: lives?.home,
      homeServedAt: lives?.homeServedAt ?? 0,
      standIn: lives?.standIn,
      parentHome: undefined,
      active,
      maxInFlight: 0,
      tried: new Set(),
      now,
    })
    if (!selection.ok) {
      const back = selection.blocked.firstBack?.at ?? Infinity
      if (back - now <= PATIENCE) turns.push({ ...next, at: back })
      else unserved += length - next.turn
      continue
    }
    const account = accounts.find(({ id }) => id === selection.id)
    if (account === undefined) throw new Error('an unknown account was chosen')
    if (selection.reason !== 'home') active = account.id
    affinity.remember(name, selection, now)
    const isMove = next.before !== undefined && next.before.account !== account.id
    if (isMove) moves++
    const isWarm = !isMove && next.before !== undefined && now - next.before.at < PREFIX_LIVES
    spend(account, costOf(next.turn, isWarm), now)
    hot.observe(account.id, usageOf(account), now)
    ending.push({ at: now + REQUEST_LASTS, end: hot.begin(account.id, false, now) })
    served++
    if (next.turn + 1 === length) continue
    const at = now + REQUEST_LASTS + gap * -Math.log(1 - random())
    turns.push({ ...next, at, turn: next.turn + 1, before: { account: account.id, at: now } })
  }
  for (const account of accounts) roll(account, end)
  return {
    wastedPercent: wasted / resets,
    unservedPercent: (100 * unserved) / (served + unserved),
    requests: served,
    moves,
  }

  function roll(account: Account, now: number): void {
    if (account.sessionResetsAt <= now)
      Object.assign(account, { sessionUsed: 0, sessionResetsAt: 0 })
    while (account.weekResetsAt <= now) {
      wasted += Math.max(0, 100 - account.weekUsed)
      resets++
      account.weekUsed = 0
      account.weekResetsAt += WEEK
    }
  }
}

function costOf(turn: number, isWarm: boolean): number {
  const prompt = Math.min(turn, LONGEST_PROMPT_TURNS) * PROMPT_COST_PER_TURN
  return OWN_COST + prompt * (isWarm ? CACHED : WRITTEN)
}

function spend(account: Account, cost: number, now: number): void {
  if (account.sessionResetsAt === 0) account.sessionResetsAt = now + SESSION_LASTS
  account.sessionUsed += cost
  account.weekUsed += cost / SESSIONS_PER_WEEK
}

function usageOf({ weekUsed, weekResetsAt, sessionUsed, sessionResetsAt }: Account) {
  return [
    { window: WEEKLY, usedPercent: weekUsed, resetsAt: weekResetsAt },
    { window: SESSION, usedPercent: sessionUsed, resetsAt: sessionResetsAt },
  ]
}

function viewOf({
  id,
  weekUsed,
  weekResetsAt,
  sessionUsed,
  sessionResetsAt,
}: Account): AccountView {
  const until = weekUsed >= 100 ? weekResetsAt : sessionUsed >= 100 ? sessionResetsAt : 0
  if (until === 0) return { id, state: 'active', renewing: false, facts: newFacts(id) }
  const limit = { scope: 'account', window: 'any', until, source: 'header', observedAt: 0 } as const
  return { id, state: 'rateLimited', renewing: false, facts: newFacts(id, { limits: [limit] }) }
}

function takeEarliest(turns: Turn[]): Turn | undefined {
  let first = 0
  for (let at = 1; at < turns.length; at++) {
    if ((turns[at]?.at ?? Infinity) < (turns[first]?.at ?? Infinity)) first = at
  }
  return turns.splice(first, 1)[0]
}
