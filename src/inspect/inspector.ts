import type { Pool } from '../pool/pool.ts'
import type { World } from '../world.ts'
import { type Client, eventText } from './client.ts'
import type { Message } from './messages.ts'
import { type Notes, createNotes } from './notes.ts'
import { type Observation, observe } from './observe.ts'
import { type Easel, paintPool, textOf } from './paint.ts'
import { type InspectServer, type Stream, startServer } from './server.ts'

/** Shows pools to a person: one server for all pools of a process. */
export interface Inspector {
  show(pool: Visible, log: World['log']): Shown
}

type Visible = Pick<Pool, 'provider' | 'status' | 'subscribe' | 'inspection'>

/** A pool that is shown. */
export interface Shown {
  /** Where; undefined when no port was to be had. It holds the token: whoever knows it may look. */
  readonly address: Promise<string | undefined>
  /** With the last pool the server goes, too. Safe to call twice. */
  close(): Promise<void>
  /**
   * Instead of `close`, of a pool that may come back: who looks stays connected for ten minutes, and
   * then sees it at the same address.
   */
  leave(): void
}

interface Exhibit {
  readonly pool: Visible
  readonly notes: Notes
  readonly observation: Observation
}

/** A picture is sent at most so often, ms. */
const LEAST_PAUSE_MS = 100
/** What changes without news, such as the end of a request, shows after so long at most, ms. */
const LOOK_MS = 500
/** The host starts its plugins again with the next request, which is up to the person. */
const LONGEST_ABSENCE_MS = 600_000

export function createInspector(world: Pick<World, 'arm'> & Easel): Inspector {
  const { arm, now, pid } = world
  const exhibits = new Set<Exhibit>()
  const viewers = new Set<Client>()
  /** Who hears the machines, and the way to stop it for each pool. */
  const hearers = new Map<Client, Map<Exhibit, () => void>>()
  let server: Promise<InspectServer | undefined> | undefined
  let shown = ''
  let shownAt = 0
  let stopTimer: (() => void) | undefined
  let stopWaiting: (() => void) | undefined
  let isSoon = false

  function enter(stream: Stream, client: Client): () => void {
    if (stream === 'inspect') {
      const stops = new Map<Exhibit, () => void>()
      hearers.set(client, stops)
      for (const exhibit of exhibits) stops.set(exhibit, hear(client, exhibit))
      return () => {
        hearers.delete(client)
        for (const stop of stops.values()) stop()
      }
    }
    showChanges()
    client.send(picture())
    viewers.add(client)
    if (viewers.size === 1) plan(LOOK_MS)
    return () => {
      viewers.delete(client)
      if (viewers.size === 0) rest()
    }
  }

  function hear(client: Client, { observation }: Exhibit): () => void {
    return observation.listen((messages: readonly Message[]) =>
      client.send(messages.map((message) => eventText(message)).join('')),
    )
  }

  /** Something has changed that viewers should see soon. */
  function changed(): void {
    if (viewers.size === 0 || isSoon) return
    isSoon = true
    plan(Math.max(0, shownAt + LEAST_PAUSE_MS - now()))
  }

  function plan(ms: number): void {
    stopTimer?.()
    stopTimer = arm(look, Math.min(ms, LOOK_MS))
  }

  function look(): void {
    isSoon = false
    try {
      showChanges()
      plan(LOOK_MS)
    } catch {
      // A fault of ours must not become one of the host: who looks comes again by himself.
      for (const viewer of viewers) viewer.drop()
      viewers.clear()
    }
  }

  function showChanges(): void {
    const painted = textOf(paint())
    if (painted === shown) return
    shown = painted
    shownAt = now()
    for (const viewer of viewers) viewer.offer(picture)
  }

  function rest(): void {
    isSoon = false
    stopTimer?.()
  }

  function paint() {
    return [...exhibits].map(({ pool, notes }) => paintPool(pool, notes, world))
  }

  function picture(): string {
    return eventText(`{"now":${now()},"pid":${pid},"pools":${shown}}`, 'picture')
  }

  function remove(exhibit: Exhibit): void {
    exhibits.delete(exhibit)
    for (const stops of hearers.values()) {
      stops.get(exhibit)?.()
      stops.delete(exhibit)
    }
    changed()
  }

  async function closeServer(): Promise<void> {
    if (exhibits.size > 0) return
    stopWaiting?.()
    const last = server
    server = undefined
    await (await last)?.close()
  }

  return {
    show(pool, log) {
      const notes = createNotes(now)
      const observation = observe(pool.inspection.machines, { now, log })
      const exhibit = { pool, notes, observation }
      exhibits.add(exhibit)
      const unsubscribe = pool.subscribe((news) => {
        notes.note(news)
        changed()
      })
      for (const [client, stops] of hearers) stops.set(exhibit, hear(client, exhibit))
      changed()
      stopWaiting?.()
      server ??= startServer({ arm, enter })
      let isGone = false
      let closed: Promise<void> | undefined

      function goOnce(): boolean {
        if (isGone) return false
        isGone = true
        unsubscribe()
        remove(exhibit)
        return true
      }

      return {
        address: server.then((started) => started?.url),
        close: () => (closed ??= goOnce() ? closeServer() : Promise.resolve()),
        leave() {
          if (!goOnce() || exhibits.size > 0) return
          stopWaiting = arm(() => void closeServer(), LONGEST_ABSENCE_MS)
        },
      }
    },
  }
}
