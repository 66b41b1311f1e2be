import { type Secret, secret } from '../secret.ts'

/** What a person pasted after signing in. */
export type Pasted =
  | { readonly kind: 'code'; readonly code: Secret; readonly state: string }
  /** A callback URL that brings an error instead of a code. */
  | { readonly kind: 'error'; readonly state: string }
  | { readonly kind: 'unreadable' }

/** Reads `CODE#STATE`, or a callback URL that holds both. White space never belongs to either. */
export function readPasted(pasted: string): Pasted {
  const text = pasted.replace(/\s+/g, '')
  return /^https?:\/\//i.test(text) ? readCallback(text) : readParts(...text.split('#'))
}

function readCallback(text: string): Pasted {
  if (!URL.canParse(text)) return { kind: 'unreadable' }
  const { searchParams, hash } = new URL(text)
  const state = searchParams.get('state') ?? hash.slice(1)
  if (searchParams.has('error') && state !== '') return { kind: 'error', state }
  return readParts(searchParams.get('code') ?? '', state)
}

function readParts(code = '', state = '', ...rest: readonly string[]): Pasted {
  if (code === '' || state === '' || rest.length > 0) return { kind: 'unreadable' }
  return { kind: 'code', code: secret(code), state }
}
