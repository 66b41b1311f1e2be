/** Where a conversation lives, and who serves it while its home cannot. */
interface Place {
  readonly home: string
  readonly standIn: string | undefined
}

export interface Affinity {
  of(conversation: string | undefined): Place | undefined
  settle(conversation: string, home: string): void
  /** Remembers a temporary fallback, so that the next prompt finds the same warm cache. */
  lend(conversation: string, standIn: string): void
}

/** A long-lived server sees many conversations; the ones not used for longest are forgotten. */
const MOST_CONVERSATIONS = 5_000

export function createAffinity(): Affinity {
  const places = new Map<string, Place>()

  function put(conversation: string, place: Place): void {
    // A map keeps insertion order: inserting anew makes the entry the youngest.
    places.delete(conversation)
    places.set(conversation, place)
    if (places.size <= MOST_CONVERSATIONS) return
    const [oldest] = places.keys()
    if (oldest !== undefined) places.delete(oldest)
  }

  return {
    of: (conversation) => (conversation === undefined ? undefined : places.get(conversation)),
    settle(conversation, home) {
      const place = places.get(conversation)
      if (place?.home === home && place.standIn === undefined) return
      put(conversation, { home, standIn: undefined })
    },
    lend(conversation, standIn) {
      const place = places.get(conversation)
      if (place === undefined || place.standIn === standIn) return
      put(conversation, { ...place, standIn })
    },
  }
}
