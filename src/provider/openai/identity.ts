import { decodeJwt } from 'jose'
import * as v from 'valibot'
import type { Secret } from '../../secret.ts'
import type { Identity } from '../login.ts'

const text = v.fallback(v.optional(v.pipe(v.string(), v.minLength(1))), undefined)

const ClaimsSchema = v.object({
  exp: v.fallback(v.optional(v.pipe(v.number(), v.gtValue(0))), undefined),
  email: text,
  chatgpt_account_id: text,
  organizations: v.fallback(v.optional(v.array(v.object({ id: text }))), undefined),
  'https://api.openai.com/auth': v.fallback(
    v.optional(
      v.object({
        chatgpt_account_id: text,
        chatgpt_user_id: text,
        chatgpt_account_user_id: text,
        chatgpt_plan_type: text,
      }),
    ),
    undefined,
  ),
  'https://api.openai.com/profile': v.fallback(v.optional(v.object({ email: text })), undefined),
})

type Claims = v.InferOutput<typeof ClaimsSchema>

/** Reads each field from the ID token, else from the access token. Never fails. */
export function readIdentity(tokens: {
  readonly idToken: Secret | undefined
  readonly accessToken: Secret
}): Identity {
  const claims = [tokens.idToken, tokens.accessToken].map(readClaims)
  const first = (read: (claim: Claims) => string | undefined) =>
    claims.map((claim) => (claim === undefined ? undefined : read(claim))).find((value) => value)
  return {
    accountId: first(accountIdOf),
    userId: first((claim) => {
      const auth = claim['https://api.openai.com/auth']
      return auth?.chatgpt_account_user_id ?? auth?.chatgpt_user_id
    }),
    email: first((claim) => claim['https://api.openai.com/profile']?.email ?? claim.email),
    planTier: first((claim) => claim['https://api.openai.com/auth']?.chatgpt_plan_type),
  }
}

/** Epoch ms (server clock) at which the token expires; undefined when it does not say. */
export function readExpiry(token: Secret): number | undefined {
  const seconds = readClaims(token)?.exp
  return seconds === undefined ? undefined : Math.floor(seconds * 1_000)
}

function accountIdOf(claims: Claims): string | undefined {
  return (
    claims['https://api.openai.com/auth']?.chatgpt_account_id ??
    claims.chatgpt_account_id ??
    claims.organizations?.[0]?.id
  )
}

/** The signature is not checked: the claims only name things, and they come from the issuer. */
function readClaims(token: Secret | undefined): Claims | undefined {
  if (token === undefined) return undefined
  try {
    return v.parse(ClaimsSchema, decodeJwt(token.reveal()))
  } catch {
    // Not a token of this kind: it names nobody.
    return undefined
  }
}
