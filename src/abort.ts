const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `aborted` when the signal aborts. Returns the way to stop. However many ask, the signal gets
 * one listener: a caller may share it among hundreds of requests, and Node would warn of a leak.
 */
export function onAbort(signal: AbortSignal | undefined, aborted: () => void): () => void {
  if (signal === undefined) return () => {}
  const all = listeners.get(signal) ?? listenTo(signal)
  // A function of its own, so that the same one can be given twice.
  const tell = () => aborted()
  all.add(tell)
  return () => {
    all.delete(tell)
  }
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>()
  listeners.set(signal, all)
  const tellAll = () => {
    for (const tell of all) tell()
  }
  signal.addEventListener('abort', tellAll, { once: true })
  return all
}
