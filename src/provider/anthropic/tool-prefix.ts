import { isRecord } from '../json.ts'

export const TOOL_PREFIX = 'mcp_'

/**
 * Prefixes the names of the host's own tools in a request body, in place: in `tools[]`, in the
 * `tool_use` blocks of the history, and in `tool_choice`. Left alone are names that already carry
 * the prefix, tools that Anthropic defines (they have a `type` such as `web_search_20250305`, and
 * their names are fixed), and a name whose prefixed form the host uses for another tool.
 *
 * @returns The names that were sent prefixed, with the prefix; empty when nothing changed.
 */
export function addToolPrefix(body: Record<string, unknown>): ReadonlySet<string> {
  const tools = records(body['tools'])
  const kept = new Set(tools.filter((tool) => !isOwn(tool)).map((tool) => tool['name']))
  const names = new Set(tools.map((tool) => tool['name']))
  const sent = new Set<string>()

  const prefix = (named: Record<string, unknown>) => {
    const { name } = named
    if (typeof name !== 'string' || name === '' || name.startsWith(TOOL_PREFIX)) return
    if (kept.has(name) || names.has(TOOL_PREFIX + name)) return
    named['name'] = TOOL_PREFIX + name
    sent.add(TOOL_PREFIX + name)
  }

  tools.filter(isOwn).forEach(prefix)
  records(body['messages'])
    .flatMap((message) => records(message['content']))
    .filter((block) => block['type'] === 'tool_use')
    .forEach(prefix)
  const choice = body['tool_choice']
  if (isRecord(choice) && choice['type'] === 'tool') prefix(choice)
  return sent
}

/** A tool of the host has no type, or the type `custom`. */
function isOwn(tool: Record<string, unknown>): boolean {
  const type = tool['type'] ?? 'custom'
  return type === 'custom'
}

function records(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}
