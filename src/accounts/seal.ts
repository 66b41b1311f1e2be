import {
  type ScryptOptions,
  createCipheriv,
  createDecipheriv,
  randomBytes,
  scrypt,
} from 'node:crypto'
import * as v from 'valibot'
import type { Secret } from '../secret.ts'

/** What a backup must be opened as: one of another provider is not mixed in. */
export interface Sealing {
  /** The provider's id. */
  readonly provider: string
  readonly passphrase: Secret
}

export type Opened =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string }

/** Fewer characters are guessed too soon, whatever the cost of each guess. */
export const LEAST_PASSPHRASE = 8

const FORMAT = 'opencode-rota backup'
const VERSION = 1
const KEY_BYTES = 32
const SALT_BYTES = 16
/** As NIST SP 800-38D §8.2 wants it. */
const IV_BYTES = 12
const TAG_BYTES = 16
/** 128 MiB and about a quarter of a second for each guess (RFC 7914). */
const COST = { N: 2 ** 17, r: 8, p: 1 } as const
const KEY_OPTIONS: ScryptOptions = { ...COST, maxmem: 2 * 128 * COST.N * COST.r }

const base64 = (bytes: number) =>
  v.pipe(
    v.string(),
    v.base64(),
    v.transform((text) => Buffer.from(text, 'base64')),
    v.check((value) => value.length === bytes),
  )

/** The costs are fixed with the version: a file must not choose how much memory is spent on it. */
const envelopeSchema = v.object({
  format: v.literal(FORMAT),
  version: v.literal(VERSION),
  provider: v.string(),
  kdf: v.object({
    name: v.literal('scrypt'),
    N: v.literal(COST.N),
    r: v.literal(COST.r),
    p: v.literal(COST.p),
    salt: base64(SALT_BYTES),
  }),
  cipher: v.object({ name: v.literal('aes-256-gcm'), iv: base64(IV_BYTES) }),
  sealed: v.pipe(
    v.string(),
    v.base64(),
    v.transform((text) => Buffer.from(text, 'base64')),
  ),
})

/** Encrypts a text with a passphrase. The result is JSON, and says how to open it. */
export async function seal(text: string, { provider, passphrase }: Sealing): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const iv = randomBytes(IV_BYTES)
  const header = headerOf(provider, salt, iv)
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, salt), iv)
  cipher.setAAD(Buffer.from(JSON.stringify(header)))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${JSON.stringify({ ...header, sealed: sealed.toString('base64') }, undefined, 2)}\n`
}

/** Decrypts what `seal` made. Never rejects. */
export async function unseal(file: string, { provider, passphrase }: Sealing): Promise<Opened> {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), envelopeSchema), file)
  if (!parsed.success) return closed(isNewer(file) ? NEWER : NO_BACKUP)
  const { kdf, cipher, sealed } = parsed.output
  if (parsed.output.provider !== provider) return closed(OTHER_PROVIDER)
  if (sealed.length < TAG_BYTES) return closed(NO_BACKUP)
  const key = await keyOf(passphrase, kdf.salt)
  const header = headerOf(provider, kdf.salt, cipher.iv)
  const decipher = createDecipheriv('aes-256-gcm', key, cipher.iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(JSON.stringify(header)))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    const plain = [decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]
    return { ok: true, text: Buffer.concat(plain).toString('utf8') }
  } catch {
    return closed(WRONG)
  }
}

const WRONG = 'The passphrase is wrong, or the file was changed. Nothing was imported.'
const NO_BACKUP = 'This file is no backup of accounts, or it is damaged. Nothing was imported.'
const NEWER = 'This backup was made by a newer version of opencode-rota. Update, then try again.'
const OTHER_PROVIDER =
  'This backup holds accounts of another provider. Choose that provider, and import it there.'

/** Authenticated with the text, so that nothing of it can be changed either. */
function headerOf(provider: string, salt: Buffer, iv: Buffer) {
  return {
    format: FORMAT,
    version: VERSION,
    provider,
    kdf: { name: 'scrypt', ...COST, salt: salt.toString('base64') },
    cipher: { name: 'aes-256-gcm', iv: iv.toString('base64') },
  }
}

/** Typed on another keyboard, the same passphrase can come as other code points. */
function keyOf(passphrase: Secret, salt: Buffer): Promise<Buffer> {
  const password = passphrase.reveal().normalize('NFKC')
  return new Promise((resolve, reject) => {
    scrypt(password, salt, KEY_BYTES, KEY_OPTIONS, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

function isNewer(file: string): boolean {
  const newer = v.object({
    format: v.literal(FORMAT),
    version: v.pipe(v.number(), v.minValue(VERSION + 1)),
  })
  return v.is(v.pipe(v.string(), v.parseJson(), newer), file)
}

function closed(problem: string): Opened {
  return { ok: false, problem }
}
