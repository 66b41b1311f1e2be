import {
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomState,
} from 'oauth4webapi'
import type { PasteCode } from '../provider/login.ts'
import { secret } from '../secret.ts'
import { readPasted } from './pasted.ts'
import { type LoginParts, type LoginResult, failure, refusal } from './result.ts'
import { isSame } from '../same.ts'

export interface PasteCodeLogin {
  /** The page to sign in on; it shows what is to be pasted. */
  readonly url: string
  /** Takes what was pasted. Never rejects. After a failure it may be called again, until it works. */
  finish(pasted: string): Promise<LoginResult>
}

/** Begins a login whose code the person carries over by hand (RFC 7636, method S256). */
export async function startPasteCode(
  method: PasteCode,
  parts: LoginParts,
): Promise<PasteCodeLogin> {
  const { provider, endpoints, world, signal } = parts
  const codeVerifier = secret(generateRandomCodeVerifier())
  const codeChallenge = await calculatePKCECodeChallenge(codeVerifier.reveal())
  const state = generateRandomState()
  let isUsed = false

  async function finish(pasted: string): Promise<LoginResult> {
    const read = readPasted(pasted)
    if (read.kind === 'unreadable') return failure('unreadable', UNREADABLE)
    if (!isSame(read.state, state)) return failure('state', OTHER_LOGIN)
    if (read.kind === 'error') {
      return failure('denied', `${provider.name} gave no access. Start the login again.`)
    }
    if (isUsed) return failure('used', USED)
    isUsed = true
    const { code } = read
    const { redirectUri } = method
    const answer = await provider.login.redeem(
      { code, codeVerifier, redirectUri, state },
      { endpoints, fetch: world.fetch, now: world.now, signal },
    )
    if (answer.kind === 'granted') return { ok: true, login: answer.login }
    // A code that was cut off while copying can be pasted again.
    isUsed = false
    return refusal(parts, answer)
  }

  return { url: method.pageUrl(endpoints, { codeChallenge, state }), finish }
}

const UNREADABLE =
  'What was pasted is not a login code. All of the code that the page shows is needed (CODE#STATE).'
const OTHER_LOGIN =
  'The pasted code belongs to another login. Start the login again, sign in on the page it names and paste the code shown there.'
const USED = 'This login was already finished. Start a new one to add another account.'
