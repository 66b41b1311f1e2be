import type { Decision, Recent } from '../../pool/decisions.ts'
import { narrate } from '../../pool/narrate.ts'
import { type Said, clockOf, counted, plain } from './markdown.ts'

export interface Asked {
  /** The conversation that asks: it comes first. */
  readonly conversation: string
  /** Epoch ms. */
  readonly now: number
}

/** Why the last requests went where they went, by conversation, and what became of the accounts. */
export function whyMarkdown(
  name: string,
  { requests, changes }: Recent,
  { conversation, now }: Asked,
): Said {
  const firsts = requests.filter(
    ({ news }) => news.type === 'request.assigned' && news.after === undefined,
  )
  const title = counted(firsts.length, 'request')
  if (requests.length + changes.length === 0) {
    const text = `No request has gone to an ${name} account since this OpenCode started.`
    return { title, text }
  }
  const groups = byConversation(requests)
  const own = groups.get(conversation) ?? []
  groups.delete(conversation)
  const others = [...groups].toReversed()
  const text = [
    `**Why requests went to which ${name} account** (since this OpenCode started)`,
    ...section('This conversation', own, now),
    ...others.flatMap(([id, decisions]) => section(headingOf(id, decisions), decisions, now)),
    ...section('Accounts', changes, now),
  ]
  return { title, text: text.join('\n') }
}

/** Enough of an id to tell conversations apart. */
const ID_END = 6

/** The conversation that asked last stands last. */
function byConversation(decisions: readonly Decision[]): Map<string | undefined, Decision[]> {
  const groups = new Map<string | undefined, Decision[]>()
  for (const decision of decisions) {
    const id = 'conversation' in decision.news ? decision.news.conversation : undefined
    const group = [...(groups.get(id) ?? []), decision]
    groups.delete(id)
    groups.set(id, group)
  }
  return groups
}

function headingOf(id: string | undefined, decisions: readonly Decision[]): string {
  if (id === undefined) return 'Requests of no conversation'
  const isSubagent = decisions.some(({ news }) => 'isSubagent' in news && news.isSubagent)
  return `${isSubagent ? 'Subagent' : 'Conversation'} …${plain(id.slice(-ID_END))}`
}

/** The same sentence in a row becomes one line. */
function section(heading: string, decisions: readonly Decision[], now: number): string[] {
  const clock = (at: number) => clockOf(at, now)
  const lines: { sentence: string; first: number; last: number; times: number }[] = []
  for (const { at, news } of decisions) {
    const sentence = plain(narrate(news, clock))
    const before = lines.at(-1)
    if (before?.sentence === sentence) {
      before.last = at
      before.times += 1
    } else lines.push({ sentence, first: at, last: at, times: 1 })
  }
  if (lines.length === 0) return []
  const said = lines.map(({ sentence, first, last, times }) => {
    const again = times === 1 ? '' : ` (${times} times since ${clock(first)})`
    return `- ${clock(last)} ${sentence}${again}`
  })
  return ['', heading, '', ...said]
}
