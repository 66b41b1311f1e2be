import * as v from 'valibot'
import { secret } from '../../secret.ts'
import type { Device, DevicePoll, DeviceStart, LoginRefusal, LoginRequest } from '../login.ts'
import { type Posted, post } from '../oauth.ts'
import { readTokenAnswer } from '../token-answer.ts'
import { CLIENT_ID } from './refresh.ts'

/** Belongs to the client id; nothing is ever redirected there. */
const REDIRECT_URI = 'https://auth.openai.com/deviceauth/callback'
/** Until somebody has typed the code in. */
const PENDING = new Set([403, 404])
/** Used when the answer names no usable pause (RFC 8628 §3.2). */
const DEFAULT_INTERVAL_S = 5
const MAX_INTERVAL_S = 60

const text = v.pipe(v.string(), v.minLength(1))
const token = v.pipe(
  text,
  v.transform((value) => secret(value)),
)

const StartedSchema = v.object({
  device_auth_id: token,
  /** It is shown to the person: nothing but what can be typed. */
  user_code: v.pipe(v.string(), v.regex(/^[\w-]{4,40}$/)),
  interval: v.fallback(
    v.optional(
      v.pipe(
        v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))]),
        v.minValue(1),
        v.maxValue(MAX_INTERVAL_S),
      ),
    ),
    undefined,
  ),
})

const ApprovedSchema = v.object({ authorization_code: token, code_verifier: token })

/** Asks for a code that the person types in on `pageUrl`. */
export async function start(request: LoginRequest): Promise<DeviceStart> {
  const sent = JSON.stringify({ client_id: CLIENT_ID })
  const answer = await ask('usercode', sent, request)
  if (answer.kind === 'unavailable') return answer
  const started = v.safeParse(StartedSchema, answer.body)
  if (!started.success) return refusalOf(answer, sent)
  const { device_auth_id, user_code, interval = DEFAULT_INTERVAL_S } = started.output
  return {
    kind: 'started',
    device: {
      id: device_auth_id,
      userCode: user_code,
      pageUrl: new URL('/codex/device', request.endpoints.authorize).href,
      intervalMs: interval * 1_000,
    },
  }
}

/** Asks once whether the person has typed the code in. */
export async function poll(device: Device, request: LoginRequest): Promise<DevicePoll> {
  const sent = JSON.stringify({ device_auth_id: device.id.reveal(), user_code: device.userCode })
  const answer = await ask('token', sent, request)
  if (answer.kind === 'unavailable') return answer
  if (PENDING.has(answer.status)) return { kind: 'pending' }
  if (answer.status === 429) return { kind: 'slowDown' }
  const approved = v.safeParse(ApprovedSchema, answer.body)
  if (!approved.success) return refusalOf(answer, sent)
  const { authorization_code: code, code_verifier: codeVerifier } = approved.output
  return {
    kind: 'approved',
    grant: { code, codeVerifier, redirectUri: REDIRECT_URI, state: undefined },
  }
}

/** The device endpoints stand beside the token endpoint, wherever that is. */
function ask(
  name: 'usercode' | 'token',
  body: string,
  { endpoints, fetch, signal }: LoginRequest,
): Promise<Posted> {
  const url = new URL(`/api/accounts/deviceauth/${name}`, endpoints.token).href
  return post({ url, contentType: 'application/json', body, fetch, signal })
}

/** Errors come in the shape of the token endpoint's. */
function refusalOf(answer: Posted & { kind: 'answer' }, sent: string): LoginRefusal {
  const said = readTokenAnswer(answer.status, answer.body, sent)
  if (said.kind === 'unavailable') return said
  const code = said.kind === 'error' ? said.error.code : undefined
  return { kind: 'refused', code: code ?? `http_${answer.status}` }
}
