import { isRecord, parseJson } from '../json.ts'
import type { ReplayableRequest } from '../provider.ts'

/** The code of the refusal: what a model thought is sealed for the organization it was made for. */
export const FOREIGN = 'invalid_encrypted_content'

/**
 * The request without the sealed thoughts of its history; undefined when there are none. The host
 * sends no ids, so that nothing else speaks of them.
 */
export function withoutForeign(request: ReplayableRequest): ReplayableRequest | undefined {
  const parsed = typeof request.body === 'string' ? parseJson(request.body) : undefined
  if (!isRecord(parsed) || !Array.isArray(parsed['input'])) return undefined
  const { input } = parsed
  const kept = input.filter((item) => !isSealed(item))
  if (kept.length === input.length) return undefined
  return { ...request, body: JSON.stringify({ ...parsed, input: kept }) }
}

function isSealed(item: unknown): boolean {
  return isRecord(item) && item['type'] === 'reasoning' && Object.hasOwn(item, 'encrypted_content')
}
