import type { Picture } from '../inspect/picture.ts'

/** The account that is looked at more closely. */
export interface Choice {
  readonly provider: string
  readonly id: string
}

/** Before a person has chosen: the account in use, else the first one. */
export function firstChoice(picture: Picture | undefined): Choice | undefined {
  const all = (picture?.pools ?? []).flatMap(({ provider, accounts }) =>
    accounts.map(({ id, active }) => ({ provider, id, active })),
  )
  const first = all.find(({ active }) => active) ?? all[0]
  return first === undefined ? undefined : { provider: first.provider, id: first.id }
}
