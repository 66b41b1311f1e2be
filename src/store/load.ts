import { setTimeout as delay } from 'node:timers/promises'
import { EMPTY_DOCUMENT, parseDocument } from './document.ts'
import { storeFault, storeProblem } from './problem.ts'
import type { StoreDocument, StoreProblem } from './store.ts'
import { errorCode, readTarget } from './target.ts'

export interface LoadedDocument {
  readonly kind: 'document'
  readonly document: StoreDocument
  /** What a compare-and-swap compares with; undefined = there is no file. */
  readonly text: string | undefined
  readonly warnings: readonly string[]
}

/** What the file holds. */
export type Loaded =
  | LoadedDocument
  | { readonly kind: 'damaged'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: StoreProblem }

/**
 * Reads the accounts file at `path`. `damaged` only when the text stays the same for a while:
 * other programs write in place, and their file is empty or cut short for a moment.
 */
export async function load(path: string): Promise<Loaded> {
  for (let damage: string | undefined; ; await delay(SETTLE_MS)) {
    const loaded = await loadOnce(path)
    if (loaded.kind !== 'damaged' || loaded.text === damage) return loaded
    damage = loaded.text
  }
}

/** Longer than a program takes from emptying a file to filling it. */
const SETTLE_MS = 100

async function loadOnce(path: string): Promise<Loaded> {
  const target = await readTarget(path).catch((error: unknown) =>
    storeFault('unreadable', path, errorCode(error)),
  )
  if ('message' in target) return { kind: 'problem', problem: target }
  if (target.kind === 'file') return fromText(path, target.text)
  if (target.kind === 'refused') {
    return { kind: 'problem', problem: storeProblem(target.code, path, target.detail) }
  }
  return { kind: 'document', document: EMPTY_DOCUMENT, text: undefined, warnings: [] }
}

function fromText(path: string, text: string): Loaded {
  const parsed = parseDocument(text)
  if (parsed.ok) return { kind: 'document', document: parsed.document, text, warnings: [] }
  if (parsed.kind === 'corrupt') return { kind: 'damaged', text }
  return { kind: 'problem', problem: storeProblem('newer', path, parsed.detail) }
}
