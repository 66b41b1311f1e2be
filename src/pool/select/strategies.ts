import type { AccountView } from '../../../machines/view.ts'
import { hybridScore } from './hybrid-score.ts'
import type { Chosen, SelectionInput, SelectionReason } from './selection.ts'

/** Under `hybrid` another account must be better by this much before a conversation moves. */
const SWITCH_MARGIN = 40

/** `sticky`: every conversation has a home; a new one goes where there is most room. */
export function chooseForConversation(
  ready: readonly AccountView[],
  input: SelectionInput,
): Chosen {
  return (
    among(ready, input.home, 'home') ??
    among(ready, input.standIn, 'stand-in') ??
    among(ready, input.parentHome, 'parent') ??
    chooseLeastBusy(ready, input)
  )
}

/**
 * `round-robin`: the next one after the account that served last, in the order of the file, among
 * those that other processes use least.
 */
export function chooseNextInTurn(ready: readonly AccountView[], input: SelectionInput): Chosen {
  const last = input.views.findIndex((view) => view.id === input.active)
  const inTurn = [...input.views.slice(last + 1), ...input.views.slice(0, last + 1)]
  const isReady = new Set(ready)
  const order = inTurn.filter((view) => isReady.has(view))
  const load = (view: AccountView) => input.hot(view.id).foreignLoad
  const next = first(order)
  const chosen = leastBy(order, load)
  return { id: chosen.id, reason: chosen === next ? 'next-in-turn' : 'less-claimed' }
}

/** `hybrid`: the best score, unless the account in use is almost as good. */
export function chooseBestScore(ready: readonly AccountView[], input: SelectionInput): Chosen {
  const current = input.home ?? input.parentHome ?? input.active
  const scored = ready.map((view) => ({
    id: view.id,
    score: hybridScore(view, input.hot(view.id), { active: view.id === current, now: input.now }),
    load: input.hot(view.id).foreignLoad,
  }))
  const best = scored.reduce((left, right) => (isBetter(right, left) ? right : left))
  const kept = scored.find(({ id }) => id === current)
  if (kept !== undefined && best.score < kept.score + SWITCH_MARGIN) {
    return { id: kept.id, reason: whyKept(input) }
  }
  return { id: best.id, reason: 'best-score' }
}

function whyKept({ home, parentHome }: SelectionInput): SelectionReason {
  if (home !== undefined) return 'home'
  return parentHome === undefined ? 'active' : 'parent'
}

export function chooseLeastBusy(ready: readonly AccountView[], input: SelectionInput): Chosen {
  const load = (view: AccountView) => {
    const { inFlight, foreignLoad } = input.hot(view.id)
    return inFlight + foreignLoad
  }
  const least = Math.min(...ready.map(load))
  const idle = ready.filter((view) => load(view) === least)
  return (
    among(idle, input.active, 'active') ?? {
      id: first(idle).id,
      reason: idle.length === ready.length ? 'first-free' : 'least-busy',
    }
  )
}

interface Scored {
  readonly score: number
  /** Decides between equals: where everything is claimed, the least loaded is shared. */
  readonly load: number
}

function isBetter(one: Scored, other: Scored): boolean {
  return one.score > other.score || (one.score === other.score && one.load < other.load)
}

/** The first of those with the least. */
function leastBy(views: readonly AccountView[], load: (view: AccountView) => number): AccountView {
  return views.reduce((least, view) => (load(view) < load(least) ? view : least), first(views))
}

function among(
  views: readonly AccountView[],
  id: string | undefined,
  reason: SelectionReason,
): Chosen | undefined {
  return id !== undefined && views.some((view) => view.id === id) ? { id, reason } : undefined
}

function first(views: readonly AccountView[]): AccountView {
  const [view] = views
  if (view === undefined) throw new Error('a strategy was asked to choose among no accounts')
  return view
}
