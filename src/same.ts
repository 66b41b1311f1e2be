import { createHash, timingSafeEqual } from 'node:crypto'

/** In constant time, whatever the lengths: how far a guess was right must not show. */
export function isSame(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
