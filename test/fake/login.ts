import { createHash, randomBytes } from 'node:crypto'
import type { Headers } from './dialect.ts'
import type { HttpAnswer } from './http.ts'

interface Grant {
  readonly account: string
  readonly challenge: string
  readonly redirectUri: string
}

const DEVICE_REDIRECT = 'https://auth.openai.com/deviceauth/callback'

/** The authorize page, the device flow and the codes they give out. `whoLogsIn` is the person. */
export function createLogins(options: {
  readonly clientId: string
  /** What else is wrong with the query of the authorize page. */
  readonly faultOfAuthorize: (query: URLSearchParams) => string | undefined
  readonly whoLogsIn: () => string
  readonly addSecret: (text: string) => void
}) {
  const grants = new Map<string, Grant>()
  const devices = new Map<string, { isApproved: boolean }>()

  /** GET of the authorize page by somebody who agrees at once. */
  function authorize(query: URLSearchParams): HttpAnswer {
    const fault = faultOfQuery(query, options.clientId) ?? options.faultOfAuthorize(query)
    if (fault !== undefined) return page(400, fault)
    const redirectUri = query.get('redirect_uri') ?? ''
    const state = query.get('state') ?? ''
    const code = grant({ challenge: query.get('code_challenge') ?? '', redirectUri })
    if (query.get('code') === 'true') return page(200, `<pre>${code}#${state}</pre>`)
    const target = new URL(redirectUri)
    target.searchParams.set('code', code)
    target.searchParams.set('state', state)
    return { kind: 'answer', status: 302, headers: { location: target.href }, chunks: [] }
  }

  /** The account of a code; a text says why there is none. A code works once. */
  function redeem(fields: Headers): { readonly account: string } | string {
    const found = grants.get(fields['code'] ?? '')
    if (found === undefined) return 'The code is unknown or was used before.'
    grants.delete(fields['code'] ?? '')
    if (fields['redirect_uri'] !== found.redirectUri) return 'redirect_uri is another one.'
    if (challengeOf(fields['code_verifier'] ?? '') !== found.challenge) {
      return 'code_verifier does not belong to code_challenge.'
    }
    return { account: found.account }
  }

  function startDevice() {
    const id = `device-${secret()}`
    devices.set(id, { isApproved: false })
    return { device_auth_id: id, user_code: 'FAKE-CODE', interval: '1' }
  }

  /** The person types the code in, for every device that waits. */
  function approveDevices(): void {
    for (const device of devices.values()) device.isApproved = true
  }

  /** Undefined = nobody has typed the code in yet. */
  function pollDevice(id: string) {
    if (devices.get(id)?.isApproved !== true) return undefined
    devices.delete(id)
    const verifier = secret()
    const challenge = challengeOf(verifier)
    const code = grant({ challenge, redirectUri: DEVICE_REDIRECT })
    return { authorization_code: code, code_verifier: verifier, code_challenge: challenge }
  }

  function grant(rest: Omit<Grant, 'account'>): string {
    const code = secret()
    grants.set(code, { ...rest, account: options.whoLogsIn() })
    return code
  }

  function secret(): string {
    const text = `canary-code-${randomBytes(18).toString('hex')}`
    options.addSecret(text)
    return text
  }

  return { authorize, redeem, startDevice, approveDevices, pollDevice }
}

function faultOfQuery(query: URLSearchParams, clientId: string): string | undefined {
  if (query.get('client_id') !== clientId) return 'client_id is unknown.'
  if (query.get('response_type') !== 'code') return 'response_type must be code.'
  if (query.get('code_challenge_method') !== 'S256') return 'code_challenge_method must be S256.'
  for (const name of ['code_challenge', 'state', 'scope', 'redirect_uri']) {
    if (!query.get(name)) return `${name} is missing.`
  }
  return URL.canParse(query.get('redirect_uri') ?? '') ? undefined : 'redirect_uri is not a URL.'
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

function page(status: number, html: string): HttpAnswer {
  return { kind: 'answer', status, headers: { 'content-type': 'text/html' }, chunks: [html] }
}
