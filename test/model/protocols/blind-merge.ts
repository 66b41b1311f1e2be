import type { Protocol } from '../protocol.ts'
import { merge, ours } from './ours.ts'

/** Writes the new token whatever the accounts file holds by now. */
export const blindMerge: Protocol = {
  ...ours,
  name: 'merge without a look',
  steps: { ...ours.steps, mergeLook: merge },
}
