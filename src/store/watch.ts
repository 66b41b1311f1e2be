import { realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { FSWatcher } from 'chokidar'
import { DEBOUNCE_MS, type WatchedFile, createWatchedFile } from './watched-file.ts'

/** Stops watching; settles when everything is released. Safe to call twice. */
export type StopWatching = () => Promise<void>

/** The guarantee: events get lost (Bun, network drives, no inotify watches left). */
const POLL_MS = 250
/** With events at work and nothing changed for a while, every fourth poll will do. */
const IDLE_AFTER_MS = 60_000
const IDLE_TICKS = 4
const folders = new Map<string, FolderWatch>()

/**
 * Calls `listener` after another file, or another content, stands at `file`: some ms later where
 * events work, else after `POLL_MS`. Neither file nor folder need exist. Files of one folder share
 * one watcher. Never keeps the process alive and never throws, even if `listener` does.
 */
export function watchFile(file: string, listener: () => void): StopWatching {
  const folder = folderOf(file)
  const watch = folders.get(folder) ?? createFolderWatch(folder)
  folders.set(folder, watch)
  const watched = createWatchedFile(file, listener)
  watch.files.add(watched)
  return async () => {
    watched.stop()
    watch.files.delete(watched)
    if (watch.files.size > 0) return
    if (folders.get(folder) === watch) folders.delete(folder)
    await watch.close()
  }
}

interface FolderWatch {
  readonly files: Set<WatchedFile>
  close(): Promise<void>
}

function createFolderWatch(folder: string): FolderWatch {
  const files = new Set<WatchedFile>()
  let trailing: NodeJS.Timeout | undefined
  let changedAt = performance.now()
  const events = createFolderEvents(folder, () => {
    lookAtAll()
    // Bun reports the temporary file of an atomic write, but not the target of the rename.
    trailing ??= setTimeout(() => {
      trailing = undefined
      lookAtAll()
    }, DEBOUNCE_MS).unref()
  })
  let ticks = 0
  const poll = setInterval(() => {
    events.keepUp()
    ticks += 1
    const isIdle = events.areOn() && performance.now() - changedAt > IDLE_AFTER_MS
    if (!isIdle || ticks % IDLE_TICKS === 0) lookAtAll()
  }, POLL_MS).unref()
  events.keepUp()

  return {
    files,
    async close() {
      clearInterval(poll)
      clearTimeout(trailing)
      await events.close()
    },
  }

  function lookAtAll(): void {
    for (const file of files) if (file.look()) changedAt = performance.now()
  }
}

/** Events of a folder, as far as the system gives any. */
interface FolderEvents {
  /** Starts, or starts anew when another folder stands at the path. Cheap: call it often. */
  keepUp(): void
  areOn(): boolean
  close(): Promise<void>
}

/**
 * The fast path of watching, with chokidar. It watches the folder and not its files: a watch on a
 * file goes deaf when the file is replaced. Every event of the folder counts, whatever its name.
 */
function createFolderEvents(folder: string, onEvent: () => void): FolderEvents {
  let state: State = IS_SUPPORTED ? { kind: 'off' } : { kind: 'over' }

  return {
    keepUp() {
      if (state.kind === 'over') return
      const identity = identityOf(folder)
      if (state.kind === 'on' && state.identity !== identity) void stop({ kind: 'off' })
      if (state.kind === 'off' && identity !== undefined) void start(identity)
    },
    areOn: () => state.kind === 'on' && state.watcher !== undefined,
    close: () => stop({ kind: 'over' }),
  }

  async function start(identity: string): Promise<void> {
    const starting: State = { kind: 'on', identity, watcher: undefined }
    state = starting
    try {
      // Loaded when the first file is watched: loading a plugin should take no time.
      const { watch } = await import('chokidar')
      if (state !== starting) return
      const watcher = watch(folder, {
        depth: 0,
        ignoreInitial: true,
        persistent: false,
        ignored: (path) => path !== folder,
      })
      state = { kind: 'on', identity, watcher }
      watcher.on('raw', onEvent).on('all', onEvent)
      // Without a listener an exhausted inotify would end the host. Polling goes on.
      watcher.on('error', () => void stop({ kind: 'over' }))
    } catch {
      state = { kind: 'over' }
    }
  }

  async function stop(next: State): Promise<void> {
    const watcher = state.kind === 'on' ? state.watcher : undefined
    state = next
    await watcher?.close().catch(() => undefined)
  }
}

type State =
  | { readonly kind: 'off' }
  /** `watcher` is undefined while chokidar loads. */
  | { readonly kind: 'on'; readonly identity: string; readonly watcher: FSWatcher | undefined }
  /** Closed, or the system gives no events. */
  | { readonly kind: 'over' }

/**
 * A watcher that does not keep the process alive gets no error listener from chokidar 5. Windows
 * does report an error when the folder is removed, and that would end the host.
 */
const IS_SUPPORTED = process.platform !== 'win32'

function identityOf(folder: string): string | undefined {
  try {
    const stat = statSync(folder, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? undefined : `${stat.ino}:${stat.birthtimeNs}`
  } catch {
    return undefined
  }
}

/** The folder of the file itself, where `file` is a symbolic link. */
function folderOf(file: string): string {
  try {
    return dirname(realpathSync(file))
  } catch {
    return dirname(resolve(file))
  }
}
