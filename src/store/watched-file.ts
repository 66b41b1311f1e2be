import { stampAt } from './target.ts'

/** One file that is watched, and whom to tell. */
export interface WatchedFile {
  /** Looks at the file; true when it changed since the last look. */
  look(): boolean
  stop(): void
}

/** Calls for one burst of changes: one at once, one for all the rest after this. */
export const DEBOUNCE_MS = 20

export function createWatchedFile(file: string, listener: () => void): WatchedFile {
  let stamp = stampAt(file)
  let quiet: NodeJS.Timeout | undefined
  let isPending = false

  return {
    look() {
      const now = stampAt(file)
      if (now === stamp) return false
      stamp = now
      tell()
      return true
    },
    stop: () => clearTimeout(quiet),
  }

  function tell(): void {
    isPending = quiet !== undefined
    if (isPending) return
    quiet = setTimeout(() => {
      quiet = undefined
      if (isPending) tell()
    }, DEBOUNCE_MS).unref()
    try {
      listener()
    } catch {
      // A listener's bug must not end the host, which an exception in a timer does.
    }
  }
}
