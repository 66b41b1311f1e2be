import type { AccountView } from '../../../machines/view.ts'
import { drainScore, leavingMargin } from './drain-score.ts'
import type { Chosen, SelectionInput } from './selection.ts'
import { chooseLeastBusy } from './strategies.ts'

/** What one request in flight weighs, in points: parallel conversations spread over near equals. */
const LOAD_COST = 2

interface Scored {
  readonly view: AccountView
  /** How urgent it is to use the account. */
  readonly score: number
  /** The same, less what is on it already. */
  readonly rank: number
}

/**
 * `drain`: the account whose quota would be wasted at its reset. A conversation leaves the account
 * that has its prompt prefix only for a gain that is clearly larger.
 */
export function chooseToDrain(ready: readonly AccountView[], input: SelectionInput): Chosen {
  const scored = ready.map((view) => rate(view, input))
  const best = scored.reduce((left, right) => (right.rank > left.rank ? right : left))
  const kept = scored.find(({ view }) => view.id === (input.home ?? input.parentHome))
  if (kept !== undefined) {
    // A parent is at work right now. Load is no reason to leave: only a new place is chosen by it.
    const servedAt = input.home === undefined ? input.now : input.homeServedAt
    const isKept = best.rank - kept.score < leavingMargin(servedAt, input.now)
    if (isKept) return { id: kept.view.id, reason: input.home === undefined ? 'parent' : 'home' }
  }
  const equals = scored.filter(({ score }) => score === best.score)
  if (equals.length > 1)
    return chooseLeastBusy(
      equals.map(({ view }) => view),
      input,
    )
  return { id: best.view.id, reason: 'most-wasted' }
}

function rate(view: AccountView, { hot, now }: SelectionInput): Scored {
  const { usage, inFlight, foreignLoad } = hot(view.id)
  const score = drainScore(usage, now)
  return { view, score, rank: score - LOAD_COST * (inFlight + foreignLoad) }
}
