import type { Fake } from '../fake/fake.ts'
import { type OpenPool, openPool } from './open-pool.ts'

/** What a test has opened, to be closed after it, the last one first. */
export function createOpened() {
  const opened: { close(): Promise<unknown> }[] = []

  function keep<Closable extends { close(): Promise<unknown> }>(closable: Closable): Closable {
    opened.push(closable)
    return closable
  }

  return {
    keep,
    /** A fake, and a pool over its accounts. */
    async start(
      starting: Promise<Fake>,
      settings: Readonly<Record<string, unknown>> = {},
    ): Promise<{ fake: Fake; pool: OpenPool }> {
      const fake = keep(await starting)
      return { fake, pool: keep(await openPool(fake, settings)) }
    },
    async closeAll() {
      for (const each of opened.splice(0).toReversed()) await each.close()
    },
  }
}
