import { isObject } from './allow.ts'
import type { MachineActor } from './messages.ts'

/**
 * The states that an actor is in, as the charts name them: `account.availability.rateLimited`. A
 * region that is always there is not among them, only what it is in.
 */
export function statePathsOf({ config, getSnapshot }: MachineActor): readonly string[] {
  const snapshot = getSnapshot()
  if (!isObject(snapshot) || !('id' in config) || typeof config.id !== 'string') return []
  return pathsIn(snapshot['value'], config.id)
}

function pathsIn(value: unknown, above: string): readonly string[] {
  if (typeof value === 'string') return [`${above}.${value}`]
  if (!isObject(value)) return []
  const parts = Object.entries(value)
  const isParallel = parts.length > 1
  return parts.flatMap(([name, below]) => {
    const path = `${above}.${name}`
    return isParallel ? pathsIn(below, path) : [path, ...pathsIn(below, path)]
  })
}
