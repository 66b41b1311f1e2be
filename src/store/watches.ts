import { watchFile } from './watch.ts'

/** The listeners of one store to one file, which end with it. */
export interface Watches {
  /** Returns the way to stop. */
  add(listener: () => void): () => void
  dispose(): Promise<void>
}

export function createWatches(file: string): Watches {
  const stops = new Set<() => Promise<void>>()
  return {
    add(listener) {
      const stop = watchFile(file, listener)
      stops.add(stop)
      return () => {
        stops.delete(stop)
        void stop()
      }
    },
    async dispose() {
      const all = [...stops]
      stops.clear()
      await Promise.all(all.map(async (stop) => stop()))
    },
  }
}
