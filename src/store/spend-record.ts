import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type Secret, secret } from '../secret.ts'
import type { SpendRecord } from './journal.ts'
import { errorCode } from './target.ts'

/** Tokens never become file names: their hash does. */
export function keyOf(token: Secret): string {
  return createHash('sha256').update(token.reveal()).digest('hex').slice(0, 32)
}

/** Where the journal in `folder` keeps what came of spending the token with this key. */
export function recordPath(folder: string, key: string): string {
  return join(folder, `${key}.next`)
}

/** Undefined when there is none. Throws Node's error when it is there and cannot be read. */
export async function readRecord(path: string): Promise<SpendRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  })
  return parseRecord(text)
}

function parseRecord(text: string): SpendRecord | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), recordSchema), text)
  if (!parsed.success) return undefined
  if (parsed.output.kind === 'dead') return parsed.output
  return { ...parsed.output, accountId: parsed.output.accountId, email: parsed.output.email }
}

export function serializeRecord(record: SpendRecord): string {
  if (record.kind === 'dead') return JSON.stringify(record)
  const { accessToken, refreshToken } = record
  const revealed = { accessToken: accessToken.reveal(), refreshToken: refreshToken.reveal() }
  return JSON.stringify({ ...record, ...revealed })
}

const recordSchema = v.variant('kind', [
  v.object({
    kind: v.literal('renewed'),
    accessToken: v.pipe(v.string(), v.transform(secret)),
    refreshToken: v.pipe(v.string(), v.transform(secret)),
    expiresAt: v.number(),
    accountId: v.optional(v.string()),
    email: v.optional(v.string()),
  }),
  v.object({ kind: v.literal('dead'), code: v.string(), inDoubt: v.optional(v.boolean(), false) }),
])
