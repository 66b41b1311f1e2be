import { isRecord, parseJson } from '../json.ts'
import { TOOL_PREFIX } from './tool-prefix.ts'

/** Finding a name by trial ends after this many places; then the JSON is written anew. */
const MAX_TRIALS = 64

/** The `data` of one SSE event, with the prefix taken off the tool that it starts. */
export function stripEventData(json: string, sent: ReadonlySet<string>): string {
  return strip(json, sent, (body) => [body['content_block']])
}

/** A whole message as plain JSON, with the prefix taken off each tool that it calls. */
export function stripMessage(json: string, sent: ReadonlySet<string>): string {
  return strip(json, sent, (body) => (Array.isArray(body['content']) ? body['content'] : []))
}

type Blocks = (body: Record<string, unknown>) => readonly unknown[]

function strip(json: string, sent: ReadonlySet<string>, blocks: Blocks): string {
  const body = parseJson(json)
  if (!isRecord(body)) return json
  return blocks(body).reduce<string>((text, block, index) => {
    const name = toolName(block)
    if (name === undefined || !sent.has(name)) return text
    const bare = name.slice(TOOL_PREFIX.length)
    return replaceName(text, { name, bare, at: (parsed) => blocks(parsed)[index] })
  }, json)
}

interface Replacement {
  readonly name: string
  readonly bare: string
  /** The block to change, in any parsed form of the text. */
  readonly at: (body: Record<string, unknown>) => unknown
}

/**
 * Changes one name and no other byte. The same string may stand elsewhere, in a tool's input for
 * example, so each place is tried until the block itself has the new name.
 */
function replaceName(text: string, { name, bare, at }: Replacement): string {
  const quoted = JSON.stringify(name)
  let place = text.indexOf(quoted)
  for (let trial = 0; place >= 0 && trial < MAX_TRIALS; trial += 1) {
    const changed = text.slice(0, place) + JSON.stringify(bare) + text.slice(place + quoted.length)
    const body = parseJson(changed)
    if (isRecord(body) && toolName(at(body)) === bare) return changed
    place = text.indexOf(quoted, place + 1)
  }
  const body = parseJson(text)
  const block = isRecord(body) ? at(body) : undefined
  if (!isRecord(block)) return text
  block['name'] = bare
  return JSON.stringify(body)
}

function toolName(block: unknown): string | undefined {
  if (!isRecord(block) || block['type'] !== 'tool_use') return undefined
  return typeof block['name'] === 'string' ? block['name'] : undefined
}
