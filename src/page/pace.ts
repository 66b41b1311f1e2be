export interface PaceParts<Drawn> {
  readonly draw: (what: Drawn) => void
  /** Monotonic, ms. */
  readonly now: () => number
  /** Runs it later. */
  readonly later: (run: () => void, ms: number) => void
}

/**
 * Draws what it is given, at once where that is quick. After a slow drawing it rests for as long,
 * and then draws the newest only: a page that cannot keep up must not fall behind, or freeze.
 */
export function paced<Drawn>({ draw, now, later }: PaceParts<Drawn>): (what: Drawn) => void {
  let isResting = false
  let newest: { readonly what: Drawn } | undefined

  function show(what: Drawn): void {
    const begun = now()
    draw(what)
    // What a change of state draws, it draws in a microtask, and that one comes before this one.
    queueMicrotask(() => {
      const took = now() - begun
      if (took < QUICK_MS) return
      isResting = true
      later(goOn, took)
    })
  }

  function goOn(): void {
    isResting = false
    const next = newest
    newest = undefined
    if (next !== undefined) show(next.what)
  }

  return (what) => {
    if (isResting) newest = { what }
    else show(what)
  }
}

/** A frame. */
const QUICK_MS = 16
