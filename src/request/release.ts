import { onAbort } from '../abort.ts'

/**
 * The way to end a request in flight, safe to call twice. An abort ends it too: a caller that gives
 * up an answer need not read it to its end.
 */
export function endOnAbort(end: () => void, signal: AbortSignal | undefined): () => void {
  const unfollow = onAbort(signal, end)
  return () => {
    unfollow()
    end()
  }
}
