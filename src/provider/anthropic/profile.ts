import * as v from 'valibot'
import type { Secret } from '../../secret.ts'
import type { Identity, LoginRequest } from '../login.ts'
import { ask } from '../oauth.ts'
import { isSuccess } from '../refusal.ts'
import { OAUTH_BETA } from './prepare.ts'

/** Somebody waits for the login: its tokens are worth more than its name. */
const LONGEST_WAIT_MS = 5_000

const text = v.fallback(v.optional(v.pipe(v.string(), v.minLength(1))), undefined)
const flag = v.fallback(v.optional(v.boolean()), undefined)

const ProfileSchema = v.object({
  account: v.fallback(
    v.optional(v.object({ uuid: text, email: text, has_claude_max: flag, has_claude_pro: flag })),
    undefined,
  ),
  organization: v.fallback(v.optional(v.object({ uuid: text })), undefined),
})

/** Asks whose token it is. Undefined when that cannot be had; never rejects. */
export async function readProfile(
  accessToken: Secret,
  { endpoints, fetch, signal }: LoginRequest,
): Promise<Identity | undefined> {
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${accessToken.reveal()}`,
    'anthropic-beta': OAUTH_BETA,
  }
  const answer = await ask(
    signal,
    (limit) => fetch(endpoints.profile, { headers, redirect: 'manual', signal: limit }),
    LONGEST_WAIT_MS,
  )
  if (answer.kind === 'unavailable' || !isSuccess(answer.status)) return undefined
  const parsed = v.safeParse(ProfileSchema, answer.body)
  if (!parsed.success) return undefined
  const { account, organization } = parsed.output
  return {
    accountId: account?.uuid,
    userId: organization?.uuid,
    email: account?.email,
    planTier: planOf(account),
  }
}

function planOf(account: v.InferOutput<typeof ProfileSchema>['account']): string | undefined {
  if (account?.has_claude_max === true) return 'max'
  if (account?.has_claude_pro === true) return 'pro'
  // Both must be denied: a team's seat may be told in a way that is not known here.
  return account?.has_claude_max === false && account.has_claude_pro === false ? 'free' : undefined
}
