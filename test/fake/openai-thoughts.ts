import { type Json, objectsOf, parseObject, textOf } from './json.ts'

/** What a model thought comes back sealed, and only the account that it was made for can open it. */
export function thoughtOf(account: string) {
  return {
    type: 'reasoning',
    id: `rs_${account}`,
    summary: [{ type: 'summary_text', text: 'a thought' }],
    encrypted_content: sealOf(account),
  }
}

/** The events of a whole thought, as the first item of an answer. */
export function wholeThought(thought: ReturnType<typeof thoughtOf>) {
  const place = { item_id: thought.id, output_index: 0, summary_index: 0 }
  const [part] = thought.summary
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...thought, summary: [] } },
    { type: 'response.reasoning_summary_part.added', ...place, part: { ...part, text: '' } },
    { type: 'response.reasoning_summary_text.delta', ...place, delta: part?.text },
    { type: 'response.reasoning_summary_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item: thought },
  ]
}

/** Whether a request brings thoughts of another account. */
export function hasForeignThought(bodyText: string, account: string): boolean {
  const items: readonly Json[] = objectsOf(parseObject(bodyText)?.['input'])
  const seals = items.flatMap((item) => textOf(item['encrypted_content']) ?? [])
  return seals.some((seal) => seal !== sealOf(account))
}

function sealOf(account: string): string {
  return `gAAA-sealed-for-${account}`
}
