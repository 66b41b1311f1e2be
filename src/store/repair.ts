import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { writeAtomically } from './atomic.ts'
import { EMPTY_DOCUMENT } from './document.ts'
import { newestGeneration } from './generations.ts'
import type { Loaded, LoadedDocument } from './load.ts'
import { storeFault, storeProblem } from './problem.ts'
import type { StoreDocument } from './store.ts'
import { errorCode, readTarget } from './target.ts'

/** What can be done about a damaged file. */
export type Salvage =
  /** Write this in its place. */
  | { readonly kind: 'copy'; readonly document: StoreDocument; readonly warning: string }
  /** It was empty and there is no copy. */
  | LoadedDocument
  | Extract<Loaded, { kind: 'problem' }>

/**
 * Keeps what stands in a damaged file, then looks for the newest copy of it; `known` is the newest
 * document that this process has seen, revision 0 = none. Without a copy the file stays: moving it
 * away would make it a missing, hence an empty one.
 */
export async function salvage(path: string, text: string, known: StoreDocument): Promise<Salvage> {
  const aside = isBlank(text) ? undefined : await setAside(path).catch(toFault('unwritable', path))
  if (typeof aside === 'object') return aside
  const copy = await newestCopy(path, known).catch(toFault('unreadable', `${path}.bak-*`))
  if (copy === undefined) return aside === undefined ? blank(path, text) : hopeless(path, aside)
  if ('kind' in copy) return copy
  const kept = aside === undefined ? 'It was empty' : `It is kept as ${aside}`
  const warning = `The accounts file ${path} was damaged. ${kept}; revision ${copy.rev} of it was restored.`
  return { kind: 'copy', document: copy, warning }
}

/** The newest of the copies on the disk and of what is known. Throws as `newestGeneration`. */
export async function newestCopy(
  path: string,
  known: StoreDocument,
  how: { readonly tolerant?: boolean } = {},
): Promise<StoreDocument | undefined> {
  const copy = await newestGeneration(path, how)
  return known.rev > (copy?.rev ?? 0) ? known : copy
}

/** White space, and the zeros that a power cut can leave. */
function isBlank(text: string): boolean {
  return /^[\s\0\uFEFF]*$/.test(text)
}

/** Once for each content, whoever comes first: the name is made from it. */
async function setAside(path: string): Promise<string> {
  // The bytes, not the text: reading them as UTF-8 may already have changed them.
  const bytes = await readFile(path)
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
  const aside = `${path}.corrupt-${hash}`
  // Whatever else stands there, it fails rather than to lose the damaged text.
  if ((await readTarget(aside)).kind !== 'file') await writeAtomically(aside, bytes)
  return aside
}

function toFault(code: 'unreadable' | 'unwritable', path: string) {
  return (error: unknown) =>
    ({ kind: 'problem', problem: storeFault(code, path, errorCode(error)) }) as const
}

/** Nothing was in the file and there is no copy: nothing is lost by taking it for an empty one. */
function blank(path: string, text: string): LoadedDocument {
  const warning = `The accounts file ${path} was empty, and there is no copy of it.`
  return { kind: 'document', document: EMPTY_DOCUMENT, text, warnings: [warning] }
}

function hopeless(path: string, aside: string): Extract<Loaded, { kind: 'problem' }> {
  const detail = `what stands in it is kept as ${aside} too`
  return { kind: 'problem', problem: storeProblem('corrupt', path, detail) }
}
