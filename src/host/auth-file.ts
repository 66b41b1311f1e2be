import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { type Environment, authFileOf } from '../config/paths.ts'
import type { NewKey } from '../login/add-key.ts'
import type { FoundLogin } from '../login/import.ts'
import { secret } from '../secret.ts'

/** Where OpenCode has its own logins. */
export interface AuthSource {
  readonly file: string
  /** Given to this process alone: OpenCode then reads this and not the file, but writes the file. */
  readonly given: string | undefined
}

/** What OpenCode has for one provider, as far as we care. */
export type AuthEntry =
  | 'none'
  | 'oauth'
  /** A key that was entered for the pool, or, without the key, the entry of a pool of keys. */
  | 'pool'
  /** A key of which the person said that OpenCode itself is to use it. */
  | 'direct'
  /** Any other key, or of a type that we do not know. */
  | 'other'
  /** OpenCode takes it for none, and drops it when it writes the file next. */
  | 'invalid'

export type AuthLogins =
  | {
      readonly kind: 'read'
      readonly of: (provider: string) => AuthEntry
      /** The type of the entry that we write, which is empty; undefined when it is another. */
      readonly empty: (provider: string) => 'oauth' | 'api' | undefined
      /** OpenCode's next write drops entries, of whatever provider. */
      readonly losesEntries: boolean
    }
  /** Not the same as a missing file. */
  | { readonly kind: 'unreadable' }

const entries = v.pipe(
  v.string(),
  v.parseJson(),
  v.check((value) => !Array.isArray(value)),
  v.record(v.string(), v.unknown()),
)
/** As OpenCode 1.18 reads its file; `test/flow/auth-entry.test.ts` compares the two. */
const seen = v.variant('type', [
  v.object({
    type: v.literal('oauth'),
    refresh: v.string(),
    access: v.string(),
    expires: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    accountId: v.optional(v.string()),
    enterpriseUrl: v.optional(v.string()),
  }),
  v.object({
    type: v.literal('api'),
    key: v.string(),
    metadata: v.optional(v.record(v.string(), v.string())),
  }),
  v.object({ type: v.literal('wellknown'), key: v.string(), token: v.string() }),
])
/** What a login method asks about a key beside it; OpenCode 1.18 stores the answers with the key. */
export const KEY_USE = 'opencode-rota'
export const KEY_LABEL = 'label'
const poolKey = v.object({
  type: v.literal('api'),
  key: v.pipe(v.string(), v.trim(), v.regex(/^[\x21-\x7e]*$/)),
  metadata: v.object({
    [KEY_USE]: v.literal('pool'),
    [KEY_LABEL]: v.fallback(v.optional(v.string(), ''), ''),
  }),
})
const directKey = v.object({
  type: v.literal('api'),
  metadata: v.object({ [KEY_USE]: v.literal('direct') }),
})
const emptyEntry = v.variant('type', [
  v.object({ type: v.literal('oauth'), refresh: v.literal(''), access: v.literal('') }),
  v.object({ ...poolKey.entries, key: v.literal('') }),
])
const KNOWN_TYPES = ['oauth', 'api', 'wellknown']
const typed = v.object({ type: v.string() })
const visible = v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/))
const login = v.object({
  type: v.literal('oauth'),
  refresh: visible,
  access: v.fallback(v.optional(visible), undefined),
  expires: v.fallback(v.optional(v.pipe(v.number(), v.finite(), v.gtValue(0))), undefined),
  accountId: v.fallback(v.optional(visible), undefined),
})

export function authSourceOf(env: Environment): AuthSource {
  const given = env['OPENCODE_AUTH_CONTENT']
  const isTaken = v.safeParse(v.pipe(v.string(), v.minLength(1), v.parseJson()), given).success
  return { file: authFileOf(env), given: isTaken ? given : undefined }
}

export async function readAuthLogins(source: AuthSource): Promise<AuthLogins> {
  const found = parse(source.given ?? (await textOf(source.file)))
  if (found === undefined) return { kind: 'unreadable' }
  return {
    kind: 'read',
    of: (provider) => (Object.hasOwn(found, provider) ? kindOf(found[provider]) : 'none'),
    empty(provider) {
      const entry = v.safeParse(emptyEntry, found[provider])
      return entry.success ? entry.output.type : undefined
    },
    losesEntries: Object.values(found).some((entry) => !v.is(seen, entry)),
  }
}

/**
 * A login of OpenCode's own that holds tokens; undefined for the empty entry that we write. What is
 * given to one process is not looked at: a renewal would make it worthless where it came from.
 */
export async function readLogin(
  { file, given }: AuthSource,
  provider: string,
): Promise<FoundLogin | undefined> {
  if (given !== undefined) return undefined
  const found = parse(await textOf(file)) ?? {}
  const parsed = v.safeParse(login, Object.hasOwn(found, provider) ? found[provider] : undefined)
  if (!parsed.success) return undefined
  const { refresh, access, expires, accountId } = parsed.output
  return {
    refreshToken: secret(refresh),
    accessToken: access === undefined ? undefined : secret(access),
    expiresAt: expires,
    accountId,
  }
}

/** A key of OpenCode's that was entered for the pool; undefined when none is waiting there. */
export async function readPoolKey(
  { file, given }: AuthSource,
  provider: string,
): Promise<NewKey | undefined> {
  if (given !== undefined) return undefined
  const found = parse(await textOf(file)) ?? {}
  const parsed = v.safeParse(poolKey, Object.hasOwn(found, provider) ? found[provider] : undefined)
  if (!parsed.success || parsed.output.key === '') return undefined
  const { key, metadata } = parsed.output
  return { apiKey: secret(key), label: metadata[KEY_LABEL] }
}

/** Whether an entry is a key of which the person said that OpenCode itself is to use it. */
export function isDirectKey(entry: unknown): boolean {
  return v.is(directKey, entry)
}

function kindOf(entry: unknown): AuthEntry {
  const parsed = v.safeParse(typed, entry)
  if (!parsed.success) return 'invalid'
  const { type } = parsed.output
  if (KNOWN_TYPES.includes(type) && !v.is(seen, entry)) return 'invalid'
  if (v.is(poolKey, entry)) return 'pool'
  if (isDirectKey(entry)) return 'direct'
  return type === 'oauth' ? 'oauth' : 'other'
}

function parse(text: string | undefined): v.InferOutput<typeof entries> | undefined {
  const parsed = v.safeParse(entries, text)
  return parsed.success ? parsed.output : undefined
}

/** Undefined when it cannot be read. */
async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) =>
    error instanceof Error && 'code' in error && error.code === 'ENOENT' ? '{}' : undefined,
  )
}
