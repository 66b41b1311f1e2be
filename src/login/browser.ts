import {
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomState,
} from 'oauth4webapi'
import type { Browser } from '../provider/login.ts'
import { secret } from '../secret.ts'
import { type CallbackServer, startCallbackServer } from './callback-server.ts'
import {
  type LoginFailure,
  type LoginParts,
  type LoginResult,
  failure,
  refusal,
  stopped,
} from './result.ts'

export interface BrowserLogin {
  readonly ok: true
  /** The page to sign in on. It holds no secret: the state is worth nothing without the code. */
  readonly url: string
  /**
   * Resolves when the person has signed in, or after 5 minutes, and keeps the process alive until
   * then. What came before the call is not lost. Never rejects; a second call gives the same.
   */
  finish(): Promise<LoginResult>
  /** Gives up the wait and the port. */
  stop(): Promise<void>
}

/** A fixed port can be had once: who begins anew ends the login that was left behind. */
const waiting = new Map<number, CallbackServer>()

/** Begins a login whose code the browser brings to a listener of ours (RFC 8252, RFC 7636 S256). */
export async function startBrowser(
  method: Browser,
  parts: LoginParts,
): Promise<BrowserLogin | LoginFailure> {
  const { provider, endpoints, world, signal } = parts
  const codeVerifier = secret(generateRandomCodeVerifier())
  const codeChallenge = await calculatePKCECodeChallenge(codeVerifier.reveal())
  const state = generateRandomState()
  const { port, path, cancelPath } = method
  await waiting.get(port)?.close()
  const expected = { port, path, cancelPath, state }
  const server = await startCallbackServer({ ...expected, signal, arm: world.arm })
  if (server === undefined) return failure('noListener', whyNoListener(port))
  if (port !== 0) waiting.set(port, server)
  const { redirectUri, answer } = server
  void answer.finally(() => {
    if (waiting.get(port) === server) waiting.delete(port)
  })

  async function redeem(): Promise<LoginResult> {
    server?.hold()
    const came = await answer
    switch (came.kind) {
      case 'code': {
        const redeemed = await provider.login.redeem(
          { code: came.code, codeVerifier, redirectUri, state },
          { endpoints, fetch: world.fetch, now: world.now, signal },
        )
        return redeemed.kind === 'granted'
          ? { ok: true, login: redeemed.login }
          : refusal(parts, redeemed)
      }
      case 'denied':
        return failure(
          'denied',
          `${provider.name} gave no access ("${came.error}"). Start the login again.`,
        )
      case 'cancelled':
        return failure('denied', 'The login was cancelled. Start it again when you want to.')
      case 'expired':
        return failure('expired', 'Nobody signed in within 5 minutes. Start the login again.')
      case 'closed':
        return failure('replaced', 'Another login was started in place of this one.')
      case 'aborted':
        return stopped()
    }
  }

  let finished: Promise<LoginResult> | undefined
  return {
    ok: true,
    url: method.pageUrl(endpoints, { codeChallenge, state, redirectUri }),
    finish: () => (finished ??= redeem()),
    stop: server.close,
  }
}

function whyNoListener(port: number): string {
  return port === 0
    ? 'No port can be opened on this machine, so a browser cannot come back here.'
    : `Port ${port} is used by another program, so a browser cannot come back here.`
}
