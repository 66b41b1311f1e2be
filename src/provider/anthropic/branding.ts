import { isRecord } from '../json.ts'

/**
 * What is left alone, in this order: fenced code, inline code, HTML code, an indented code block
 * (it follows an empty line), URLs.
 */
const PROTECTED =
  /```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|`[^`\n]*`|<(pre|code)\b[\s\S]*?<\/\1>|(?<=\n[ \t]*\n)(?:(?: {4}|\t)[^\n]*(?:\n|$))+|\b[a-z][a-z0-9+.-]{0,20}:\/\/\S+/gi
/** The name as a word of prose: not a part of a path, a file name, a domain or an identifier. */
const NAME = /(?<![\w./\\@~:#$=-])opencode(?![\w/\\@=-]|[.:][\w/\\])/gi

/**
 * Rewrites the host's name in the `system` text of a request body, in place.
 *
 * @returns Whether anything changed.
 */
export function rewriteBranding(body: Record<string, unknown>): boolean {
  const { system } = body
  if (typeof system === 'string') {
    body['system'] = rebrand(system)
    return body['system'] !== system
  }
  if (!Array.isArray(system)) return false
  return system.map(rewriteBlock).includes(true)
}

function rewriteBlock(block: unknown): boolean {
  if (!isRecord(block) || block['type'] !== 'text') return false
  const { text } = block
  if (typeof text !== 'string') return false
  block['text'] = rebrand(text)
  return block['text'] !== text
}

/** Rewrites the name in prose and returns everything else as it is. */
export function rebrand(text: string): string {
  if (!/opencode/i.test(text)) return text
  let rewritten = ''
  let end = 0
  for (const match of text.matchAll(PROTECTED)) {
    rewritten += rename(text.slice(end, match.index)) + match[0]
    end = match.index + match[0].length
  }
  return rewritten + rename(text.slice(end))
}

function rename(prose: string): string {
  return prose.replace(NAME, (name) => (name === 'OpenCode' ? 'Claude Code' : 'Claude'))
}
