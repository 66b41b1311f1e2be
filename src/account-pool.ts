import { dirname, join } from 'node:path'
import { assemble } from './assemble.ts'
import { parseSettings } from './config/settings.ts'
import { RotaError } from './errors.ts'
import type { PoolNews } from './pool/events.ts'
import type { PoolStatus } from './pool/status.ts'
import { inspector } from './inspect/shared.ts'
import { providers } from './provider/providers.ts'
import { openSpendJournal } from './spend-journal.ts'
import { createFileClaims } from './store/file-claims.ts'
import { createFileStore } from './store/file.ts'
import { parseDocument } from './store/document.ts'
import { createMemoryClaims, createMemoryClaimsPlace } from './store/memory-claims.ts'
import { createMemoryJournal } from './store/memory-journal.ts'
import { createMemoryPlace, createMemoryStore } from './store/memory.ts'
import { type LogLevel, realWorld } from './world.ts'

/** Options of `createAccountPool`. Give `file` or `accounts`, not both. */
export interface AccountPoolOptions {
  readonly provider: 'anthropic' | 'openai'
  /**
   * Path of an accounts file, as OpenCode uses it. Other processes may use it at the same time;
   * renewed tokens are written to it, spend tickets beside it in `multiauth-refresh/`, and which
   * process uses which account in `multiauth-claims.json`.
   */
  readonly file?: string
  /**
   * Accounts kept in memory, in the shape of the file's `accounts`. A renewed token then exists in
   * this process only: use `file` for anything that must survive it.
   */
  readonly accounts?: readonly Readonly<Record<string, unknown>>[]
  /** Fields of the configuration file, in its own names (`docs/configuration.md`). */
  readonly settings?: Readonly<Record<string, unknown>>
  /**
   * Serves a page on 127.0.0.1 that shows the accounts as they are now (`docs/inspector.md`).
   * Default: what `settings.inspect` says, and that is off. It never keeps the process alive.
   */
  readonly inspect?: boolean
  /** Sends requests; default the global `fetch`, looked up at each call. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Receives warnings and errors as sentences; default: nobody does. Never receives a secret. */
  readonly log?: (level: LogLevel, message: string) => void
}

/** A `fetch` over several accounts of one provider. */
export interface AccountPool {
  /**
   * Like the global `fetch`. The account's own authentication replaces the caller's. Rejects with
   * the signal's reason, or with `RotaError` when the provider cannot be reached.
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /** Every account with its state, in words and figures, as this process sees it now. */
  status(): PoolStatus
  /** Calls `listener` with everything that happens. Returns the way to stop. */
  subscribe(listener: (news: PoolNews) => void): () => void
  /** Saves what is unsaved, a token that is just being renewed too, and stops everything. Safe to call twice. */
  dispose(): Promise<void>
  /** Resolves when the accounts were read for the first time; never rejects. */
  readonly ready: Promise<void>
  /**
   * Where the page of `inspect` is served; undefined while it is off, or when no port was to be had.
   * Whoever knows this address may look until `dispose`.
   */
  readonly inspector: Promise<string | undefined>
}

/** Opens a pool without OpenCode. Throws `RotaError` `options` for options that cannot work. */
export function createAccountPool(options: AccountPoolOptions): AccountPool {
  const { settings, complaints } = parseSettings([
    { name: 'settings', fields: options.settings ?? {} },
  ])
  if (complaints.length > 0) throw new RotaError('options', complaints.join(' '))
  const world = realWorld(options.log ?? (() => {}))
  const { pool, fetch, ready } = assemble({
    provider: providers[options.provider],
    world: options.fetch === undefined ? world : { ...world, fetch: options.fetch },
    settings: () => settings,
    ...storageOf(options, world.now),
  })
  const isShown = options.inspect ?? settings.inspect
  const shown = isShown ? inspector.show(pool, world.log) : undefined
  return {
    fetch,
    status: () => pool.status(),
    subscribe: (listener) => pool.subscribe(listener),
    async dispose() {
      await Promise.all([shown?.close(), pool.dispose()])
      await pool.whenKept()
    },
    ready,
    inspector: shown?.address ?? Promise.resolve(undefined),
  }
}

function storageOf({ file, accounts }: AccountPoolOptions, now: () => number) {
  if ((file === undefined) === (accounts === undefined)) {
    throw new RotaError('options', 'Give either "file" or "accounts", and not both.')
  }
  if (file !== undefined) {
    return {
      store: createFileStore({ file, now }),
      journal: openSpendJournal(file),
      claims: createFileClaims({ file: join(dirname(file), 'multiauth-claims.json'), now }),
    }
  }
  const parsed = parseDocument(JSON.stringify({ version: 1, accounts }))
  if (!parsed.ok) throw new RotaError('options', '"accounts" is not a list of accounts.')
  const [rejected] = parsed.document.rejected
  if (rejected !== undefined) {
    throw new RotaError('options', `accounts[${rejected.index}]: ${rejected.problem}`)
  }
  return {
    store: createMemoryStore(createMemoryPlace(parsed.document)),
    journal: createMemoryJournal(),
    claims: createMemoryClaims(createMemoryClaimsPlace(), now),
  }
}
