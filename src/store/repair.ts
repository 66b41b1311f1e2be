import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { writeAtomically } from './atomic.ts'
import { EMPTY_DOCUMENT, serializeDocument } from './document.ts'
import { newestGeneration } from './generations.ts'
import type { Loaded } from './load.ts'
import { storeProblem } from './problem.ts'
import { MISSING_STAMP, errorCode, stampAt, stillHolds } from './target.ts'

/** `conflict`: the file changed meanwhile, look again. */
export type Mended = Exclude<Loaded, { kind: 'damaged' }> | 'conflict'

/**
 * Keeps what stands in a damaged file, then restores the newest copy over it. Needs the lock.
 * Without a copy the file stays: moving it away would make it a missing, hence an empty one.
 */
export async function mend(
  path: string,
  text: string,
  rules: { readonly held: () => boolean; readonly minRev: number },
): Promise<Mended> {
  try {
    const aside = isBlank(text) ? undefined : await setAside(path)
    const copy = await newestGeneration(path)
    if (copy === undefined) return aside === undefined ? blank(path, text) : hopeless(path, aside)
    const document = { ...copy, rev: Math.max(copy.rev, rules.minRev) + 1 }
    const restored = serializeDocument(document)
    const outcome = await writeAtomically(path, restored, {
      check: () => rules.held() && stillHolds(path, text),
    })
    if (outcome === 'refused') return 'conflict'
    const kept = aside === undefined ? 'It was empty' : `It is kept as ${aside}`
    const warning = `The accounts file ${path} was damaged. ${kept}; revision ${copy.rev} of it was restored.`
    return { kind: 'document', document, text: restored, warnings: [warning] }
  } catch (error) {
    const detail = `it could not be repaired (${errorCode(error)})`
    return { kind: 'problem', problem: storeProblem('corrupt', path, detail) }
  }
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
  if (stampAt(aside) === MISSING_STAMP) await writeAtomically(aside, bytes)
  return aside
}

/** Nothing was in the file and there is no copy: nothing is lost by taking it for an empty one. */
function blank(path: string, text: string): Mended {
  const warning = `The accounts file ${path} was empty, and there is no copy of it.`
  return { kind: 'document', document: EMPTY_DOCUMENT, text, warnings: [warning] }
}

function hopeless(path: string, aside: string): Mended {
  const detail = `what stands in it is kept as ${aside} too`
  return { kind: 'problem', problem: storeProblem('corrupt', path, detail) }
}
