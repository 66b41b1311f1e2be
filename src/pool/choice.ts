import { type AccountView, isKey } from '../../machines/view.ts'
import type { Settings } from '../config/schema.ts'
import type { Provider } from '../provider/provider.ts'
import type { World } from '../world.ts'
import { createAffinity } from './affinity.ts'
import type { HotStates } from './hot.ts'
import { type Line, type Place, createLine } from './line.ts'
import type { RequestTraits } from './traits.ts'
import { selectAccount } from './select/select.ts'
import type { Selection, SelectionInput } from './select/selection.ts'
import type { Supervision } from './supervision.ts'

export interface ChoiceParts {
  readonly provider: Provider
  readonly settings: () => Settings
  readonly world: World
  readonly hot: HotStates
  readonly machine: Pick<Supervision, 'views' | 'viewList'>
  /** The account that the store says was used last. */
  readonly storedActive: () => string | undefined
}

/** Which account a request gets: selection over the accounts as they are now, and what it remembers. */
export interface Choice {
  choose(traits: RequestTraits, tried: ReadonlySet<string>, place: Place | undefined): Selection
  readonly line: Line
  /** The account that served last in this process. */
  lastServed(): string | undefined
  /** The same, or the one that the store names. */
  active(): string | undefined
}

export function createChoice(parts: ChoiceParts): Choice {
  const { provider, settings, world, hot, machine } = parts
  const affinity = createAffinity()
  let lastServed: string | undefined

  const active = () => lastServed ?? parts.storedActive()

  /** What a request finds when it looks for an account. */
  function selectionInput(
    { conversation, parent, model, needsKey }: RequestTraits,
    tried: ReadonlySet<string>,
    views: readonly AccountView[],
  ): SelectionInput {
    const lives = affinity.of(conversation)
    return {
      views: needsKey === true ? whereKeysServe(views) : views,
      hot: hot.of,
      strategy: settings().account_selection_strategy,
      softQuotaPercent: settings().soft_quota_threshold_percent,
      family: model === undefined ? undefined : provider.family(model),
      home: lives?.home,
      homeServedAt: lives?.homeServedAt ?? 0,
      standIn: lives?.standIn,
      parentHome: affinity.of(parent)?.home,
      active: active(),
      maxInFlight: settings().max_in_flight_per_account,
      tried,
      now: world.now(),
    }
  }

  const line = createLine({
    views: machine.viewList,
    view: (id) => machine.views()[id],
    hasRoom(id) {
      const most = settings().max_in_flight_per_account
      return most === 0 || hot.of(id).inFlight < most
    },
    select: ({ traits, tried }, views) => selectAccount(selectionInput(traits, tried, views)),
    homeOf: (conversation) =>
      settings().account_selection_strategy === 'round-robin'
        ? undefined
        : affinity.of(conversation)?.home,
    keep: (id) => hot.begin(id, false, world.now()),
    world,
  })

  function choose(
    traits: RequestTraits,
    tried: ReadonlySet<string>,
    place: Place | undefined,
  ): Selection {
    const kept = place?.take()
    const selection = selectAccount(selectionInput(traits, tried, machine.viewList()))
    if (kept !== undefined && !(selection.ok && selection.id === kept)) line.freed(kept)
    if (!selection.ok) return selection
    if (selection.reason !== 'home') lastServed = selection.id
    const { conversation } = traits
    if (conversation !== undefined) affinity.remember(conversation, selection, world.now())
    return selection
  }

  return { choose, line, lastServed: () => lastServed, active }
}

/** The keys; everybody where no key is enabled, so that the provider's own answer is heard. */
function whereKeysServe(views: readonly AccountView[]): readonly AccountView[] {
  const keys = views.filter(isKey)
  return keys.some(({ state }) => state !== 'disabled') ? keys : views
}
