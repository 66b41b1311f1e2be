import type { StoreDocument } from '../../src/store/store.ts'

/** The counter that all processes raise: a field of the one account. */
export function sharedCounter({ accounts }: StoreDocument): number {
  return accounts[0]?.lastUsed ?? 0
}

/** The counter that one process raises: a field of the file that the store does not know. */
export function ownCounter({ extra }: StoreDocument, name: string): number {
  const counter = extra[`counter-${name}`]
  return typeof counter === 'number' ? counter : 0
}
