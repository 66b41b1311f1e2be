import type { Protocol } from '../protocol.ts'
import { withProcess } from '../world.ts'
import { ours } from './ours.ts'

/** However many owners died, the next one tries. */
export const withoutEnd: Protocol = {
  ...ours,
  name: 'tries after every death',
  steps: {
    ...ours.steps,
    salvage: (world, me) =>
      ours.steps['salvage']?.(withProcess(world, me, { deaths: 0 }), me) ?? [],
  },
}
