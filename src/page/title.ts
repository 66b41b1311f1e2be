import type { Picture } from '../inspect/picture.ts'
import type { LinkState } from './link.ts'
import { readiness } from './words.ts'

/** What the tab of the browser says: "2 of 3 ready". */
export function titleOf(picture: Picture | undefined, link: LinkState): string {
  if (link.kind === 'lost') return `not connected – ${NAME}`
  if (picture === undefined) return NAME
  return `${readiness(picture.pools.flatMap(({ accounts }) => accounts))} – ${NAME}`
}

const NAME = 'opencode-rota'
