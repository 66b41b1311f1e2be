import type { World } from '../world.ts'
import type { PoolNews } from './events.ts'

/** Who listens to what happens in the pool. A listener that throws harms nobody. */
export interface News {
  publish(news: PoolNews): void
  /** Returns the way to stop. */
  subscribe(listener: (news: PoolNews) => void): () => void
  forgetAll(): void
}

export function createNews(world: Pick<World, 'log'>): News {
  const listeners = new Set<(news: PoolNews) => void>()
  return {
    publish(news) {
      for (const listener of listeners) {
        try {
          listener(news)
        } catch (error) {
          const why = error instanceof Error ? error.message : 'unknown fault'
          world.log('error', `A listener of the pool failed: ${why}`)
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    forgetAll: () => listeners.clear(),
  }
}
