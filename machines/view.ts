import type { AccountState } from './account.ts'
import { type AccountFacts, isApiKey } from './facts.ts'

/** One account as selection, screens and the inspector see it. */
export interface AccountView {
  readonly id: string
  readonly state: AccountState
  /** Its token is being renewed. */
  readonly renewing: boolean
  readonly facts: AccountFacts
}

/** Whether an account can serve now or will by itself: neither disabled nor failing. */
function isUsable(view: AccountView): boolean {
  return view.state !== 'disabled' && view.state !== 'authFailing'
}

/** The circuit breaker's question: would somebody be left if `id` were disabled? */
export function otherUsableRemains(
  views: Readonly<Record<string, AccountView>>,
  id: string,
): boolean {
  return Object.values(views).some((view) => view.id !== id && isUsable(view))
}

/** Whether it is an API key, and not a login. */
export function isKey({ facts }: AccountView): boolean {
  return isApiKey(facts)
}
