import { isRecord, parseJson } from '../json.ts'
import type { ReplayableRequest } from '../provider.ts'

/** The refusal: a model's reasoning is encrypted for the organization that it was made for. */
export const FOREIGN = 'invalid_encrypted_content'

/**
 * The request without the encrypted reasoning of its history; undefined when there is none. The host
 * sends no ids, so that nothing else refers to it (`docs/decisions/014-foreign-reasoning.md`).
 */
export function withoutForeign(request: ReplayableRequest): ReplayableRequest | undefined {
  const parsed = typeof request.body === 'string' ? parseJson(request.body) : undefined
  if (!isRecord(parsed) || !Array.isArray(parsed['input'])) return undefined
  const { input } = parsed
  const kept = input.filter((item) => !isEncrypted(item))
  if (kept.length === input.length) return undefined
  return { ...request, body: JSON.stringify({ ...parsed, input: kept }) }
}

function isEncrypted(item: unknown): boolean {
  return isRecord(item) && item['type'] === 'reasoning' && Object.hasOwn(item, 'encrypted_content')
}
