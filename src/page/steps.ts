/** Where a card stands on the screen. */
export interface Place {
  readonly left: number
  readonly top: number
}

/** The card that an arrow key leads to; undefined for a key that leads nowhere. */
export function stepFrom(places: readonly Place[], from: number, key: string): number | undefined {
  switch (key) {
    case 'ArrowRight':
      return Math.min(from + 1, places.length - 1)
    case 'ArrowLeft':
      return Math.max(from - 1, 0)
    case 'Home':
      return 0
    case 'End':
      return places.length - 1
    case 'ArrowDown':
      return nextRow(places, from, 1)
    case 'ArrowUp':
      return nextRow(places, from, -1)
    default:
      return undefined
  }
}

/** In the nearest row of that direction, the card that is nearest sideways. */
function nextRow(places: readonly Place[], from: number, way: 1 | -1): number {
  const here = places[from]
  if (here === undefined) return from
  let best: { readonly at: number; readonly down: number; readonly aside: number } | undefined
  for (const [at, { left, top }] of places.entries()) {
    const down = (top - here.top) * way
    const aside = Math.abs(left - here.left)
    if (down <= 0) continue
    if (best === undefined || down < best.down || (down === best.down && aside < best.aside)) {
      best = { at, down, aside }
    }
  }
  return best?.at ?? from
}
