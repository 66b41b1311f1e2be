import type { Secret } from '../secret.ts'
import { newestGeneration } from './generations.ts'
import { load } from './load.ts'
import { refreshTokens } from './schema.ts'
import { resolveTarget } from './target.ts'

/**
 * The refresh tokens in the accounts files and in their newest copies, which would take their place.
 * Undefined when one of them cannot be read now: it may hold any token.
 */
export async function storedTokens(
  files: readonly string[],
): Promise<readonly Secret[] | undefined> {
  const tokens: Secret[] = []
  for (const file of files) {
    const found = await tokensIn(file).catch(() => undefined)
    if (found === undefined) return undefined
    tokens.push(...found)
  }
  return tokens
}

async function tokensIn(file: string): Promise<readonly Secret[] | undefined> {
  const path = await resolveTarget(file)
  const loaded = await load(path)
  if (loaded.kind !== 'document') return undefined
  const copy = await newestGeneration(path)
  const accounts = [...loaded.document.accounts, ...(copy?.accounts ?? [])]
  return refreshTokens(accounts)
}
