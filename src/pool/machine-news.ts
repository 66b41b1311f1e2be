import type { RefreshOutcome } from '../../machines/refresh.ts'
import type { AccountView } from '../../machines/view.ts'
import type { PoolNews } from './events.ts'
import { explainState, kindOf } from './status.ts'

/** What the machines report, as news with its reasons. */
export function stateNews(
  before: AccountView | undefined,
  after: AccountView,
  now: number,
): PoolNews {
  const { id, state, facts } = after
  return {
    type: 'account.changed',
    account: id,
    label: facts.label,
    from: before?.state,
    to: state,
    ...explainState(after, now),
    disabledReason: facts.disabledReason,
    kind: kindOf(facts),
  }
}

export function tokenNews(account: string, label: string, outcome: RefreshOutcome): PoolNews {
  if (outcome.kind === 'renewed') return { type: 'token.renewed', account, label }
  return { type: 'token.failed', account, label, why: outcome.detail }
}
