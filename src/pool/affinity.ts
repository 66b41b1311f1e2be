import type { Selection } from './select/selection.ts'

/** Where a conversation lives, and who serves it while its home cannot. */
interface Place {
  readonly home: string
  readonly standIn: string | undefined
  /** Epoch ms at which its home served it last. */
  readonly homeServedAt: number
}

export interface Affinity {
  of(conversation: string | undefined): Place | undefined
  /**
   * Remembers who serves a conversation: its home from now on, or a stand-in, so that the next
   * prompt finds the same warm cache.
   */
  remember(conversation: string, selection: Selection & { readonly ok: true }, now: number): void
}

/** A long-lived server sees many conversations; the ones not used for longest are forgotten. */
const MOST_CONVERSATIONS = 5_000

export function createAffinity(): Affinity {
  const places = new Map<string, Place>()

  return {
    of: (conversation) => (conversation === undefined ? undefined : places.get(conversation)),
    remember(conversation, { id, settles }, now) {
      const known = places.get(conversation)
      // A map keeps insertion order: inserting anew makes the entry the youngest.
      places.delete(conversation)
      places.set(conversation, placeAfter(known, id, settles, now))
      if (places.size <= MOST_CONVERSATIONS) return
      const [oldest] = places.keys()
      if (oldest !== undefined) places.delete(oldest)
    },
  }
}

function placeAfter(known: Place | undefined, id: string, settles: boolean, now: number): Place {
  if (settles || known === undefined) return { home: id, standIn: undefined, homeServedAt: now }
  return id === known.home ? { ...known, homeServedAt: now } : { ...known, standIn: id }
}
