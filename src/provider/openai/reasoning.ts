import { isRecord, parseJson } from '../json.ts'
import type { ReplayableRequest } from '../provider.ts'

/** The refusal: a model's reasoning is encrypted for the organization that it was made for. */
export const FOREIGN = 'invalid_encrypted_content'

/** The end of a cipher text is unlike any other; the beginning is not. */
const MARK_LENGTH = 32

/** The host sends no ids, so that nothing else in the history refers to what is left out. */
export function withoutReasoning(
  request: ReplayableRequest,
  isLeftOut: (mark: string) => boolean,
): ReplayableRequest | undefined {
  const parsed = typeof request.body === 'string' ? parseJson(request.body) : undefined
  if (!isRecord(parsed) || !Array.isArray(parsed['input'])) return undefined
  const { input } = parsed
  const kept = input.filter((item) => {
    const mark = markOf(item)
    return mark === undefined || !isLeftOut(mark)
  })
  if (kept.length === input.length) return undefined
  return { ...request, body: JSON.stringify({ ...parsed, input: kept }) }
}

function markOf(item: unknown): string | undefined {
  if (!isRecord(item) || item['type'] !== 'reasoning') return undefined
  const encrypted = item['encrypted_content']
  return typeof encrypted === 'string' ? encrypted.slice(-MARK_LENGTH) : undefined
}
