import { limitedUntil } from '../../../machines/limits.ts'
import type { AccountView } from '../../../machines/view.ts'
import type { SelectionInput } from './selection.ts'

/** Nothing of this moment speaks against the account; its state may. */
export function isOpen(view: AccountView, input: SelectionInput): boolean {
  return (input.maxInFlight === 0 || !isFull(view, input)) && isFree(view, input)
}

/** Neither tried by this request, nor limited for it. */
export function isFree(
  { id, facts }: AccountView,
  { tried, family, now }: SelectionInput,
): boolean {
  if (tried.has(id)) return false
  return facts.limits.length === 0 || limitedUntil(facts.limits, family) <= now
}

/** As many requests of this process are on their way with the account as may be. */
export function isFull({ id }: AccountView, { maxInFlight, hot }: SelectionInput): boolean {
  return maxInFlight > 0 && hot(id).inFlight >= maxInFlight
}

/**
 * Whether the account that this conversation would have kept could serve and is full: its home or,
 * before it has one, the home of the conversation that started it. `round-robin` keeps nothing.
 */
export function whoIsFull(input: SelectionInput): 'home-full' | 'parent-full' | undefined {
  const { maxInFlight, strategy, home, parentHome } = input
  if (maxInFlight === 0 || strategy === 'round-robin') return undefined
  const kept = home ?? parentHome
  const view = kept === undefined ? undefined : input.views.find(({ id }) => id === kept)
  if (view?.state !== 'active' || !isFull(view, input) || !isFree(view, input)) return undefined
  return home === undefined ? 'parent-full' : 'home-full'
}
