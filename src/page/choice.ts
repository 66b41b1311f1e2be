import type { Picture } from '../inspect/picture.ts'

/** The account that is looked at more closely. */
export interface Choice {
  readonly provider: string
  readonly id: string
}

/**
 * Before a person has chosen: what was chosen before the page was loaded again (null = none), else
 * the account in use, else the first one. Undefined while there is none.
 */
export function firstChoice(
  picture: Picture | undefined,
  kept?: Choice | null,
): Choice | null | undefined {
  const all = (picture?.pools ?? []).flatMap(({ provider, accounts }) =>
    accounts.map(({ id, active }) => ({ provider, id, active })),
  )
  if (kept === null && all.length > 0) return null
  const first =
    all.find(({ provider, id }) => provider === kept?.provider && id === kept.id) ??
    all.find(({ active }) => active) ??
    all[0]
  return first === undefined ? undefined : { provider: first.provider, id: first.id }
}

/** For this tab, until it is closed. Without storage the page begins anew each time. */
export function keepChoice(choice: Choice | null): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(choice))
  } catch {
    // The browser allows none.
  }
}

export function keptChoice(): Choice | null | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '""')
    return kept === null || isChoice(kept) ? kept : undefined
  } catch {
    return undefined
  }
}

const KEY = 'choice'

function isChoice(kept: unknown): kept is Choice {
  if (typeof kept !== 'object' || kept === null) return false
  return (
    'provider' in kept &&
    typeof kept.provider === 'string' &&
    'id' in kept &&
    typeof kept.id === 'string'
  )
}
